"""The directory, log-in, and the one origin of the browser: desk, wall, administration."""
