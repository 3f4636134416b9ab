"""What people may read of customers, and where their data keys go."""
