"""Words of the customer."""

from enum import Enum


class Channel(Enum):
    """The kind of channel of an address."""

    UNSPECIFIED = 0
    VOICE = 1
    CHAT = 2
