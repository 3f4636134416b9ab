"""Words of the ticket."""

from enum import Enum


class TicketState(Enum):
    """Where a ticket stands: 待处理, 处理中, 已解决."""

    UNSPECIFIED = 0
    OPEN = 1
    IN_PROGRESS = 2
    RESOLVED = 3
