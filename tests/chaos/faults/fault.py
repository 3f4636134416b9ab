"""What a fault is. Must not: know one."""

import random
from typing import Protocol

from chaos.scene import Scene


class Fault(Protocol):
    """Something that breaks and is whole again afterwards. Two that touch the same thing never overlap."""

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
