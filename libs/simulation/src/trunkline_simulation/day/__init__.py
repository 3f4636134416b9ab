"""A recorded day of a call centre: its file, who worked, and the plan of what is to be played of it."""
