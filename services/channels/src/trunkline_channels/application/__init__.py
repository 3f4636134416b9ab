"""What channels does around its rules: carries steps out, listens to facts, keeps peers up to date, serves chats."""
