"""What console does: log-in, desks, the wall."""
