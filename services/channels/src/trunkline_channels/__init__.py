"""The contact: the only saga of its life, chat, and the contact API of gateways."""
