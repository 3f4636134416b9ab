"""What a load process is told: one JSON file. Owns its form. Must not: hold the secret; the data folder has it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shop:
    """One tenant under load."""

    tenant_id: str
    entry_point_id: str
    agent_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One load process.

    Attributes:
        data: folder with the installation's secret.
        journal: what its clients write down; a file of its own for each start.
        boot: number of this start.
        contacts_per_s: brought in by all tenants' gateways together.
    """

    data: str
    journal: str
    boot: int
    seed: int
    contacts_per_s: float
    acd: tuple[str, ...]
    channels: tuple[str, ...]
    shops: tuple[Shop, ...]

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "WorkOrder":
        """Read it back."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        shops = tuple(Shop(**shop | {"agent_ids": tuple(shop["agent_ids"])}) for shop in fields.pop("shops"))
        return cls(**fields | {"acd": tuple(fields["acd"]), "channels": tuple(fields["channels"])}, shops=shops)
