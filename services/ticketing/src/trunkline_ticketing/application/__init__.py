"""What people may read of tickets, opened for them."""
