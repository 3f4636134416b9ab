"""What a fault is. Must not: know one."""

import random
from typing import Protocol

from chaos.scene import Scene

BROKERS, NETWORKS, STORE, CLIENTS, CLOCK = "brokers", "networks", "store", "clients", "clock"
"""What a fault may touch, besides services, which go by their names."""


class Fault(Protocol):
    """Something that breaks and is whole again afterwards.

    Attributes:
        touches: two faults that touch the same thing never overlap. Not all that is hit: a replica that is cut off may
            be killed as well.
    """

    name: str
    touches: frozenset[str]

    def can_strike(self, scene: Scene) -> bool:
        """Tell whether it makes sense in this run, for example only with three brokers."""
        ...

    async def strike(self, scene: Scene, chance: random.Random) -> str:
        """Break something, wait, mend it; return what was hit. Every choice is drawn from `chance`."""
        ...


class Always:
    """A fault that every run may meet."""

    def can_strike(self, scene: Scene) -> bool:
        """Yes."""
        return True
