"""The directory: who works here, what rings where, which flow runs. Pure rules."""
