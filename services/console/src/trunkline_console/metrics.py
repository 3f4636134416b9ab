"""What console exports, declared once. No label carries an id or a tenant."""

from typing import Final

from prometheus_client import Counter, Gauge
from trunkline_platform.metrics import REGISTRY

from trunkline_console.domain.state import Directory

DESKS: Final = Gauge("trunkline_console_desks_connected", "Agent desks connected to this replica.", registry=REGISTRY)
LOGINS: Final = Counter("trunkline_console_logins_total", "Log-in attempts by result.", ["result"], registry=REGISTRY)
LIVE_ROWS: Final = Counter(
    "trunkline_console_live_rows_total", "Rows read from the live topics.", ["topic"], registry=REGISTRY
)
DEFINITIONS: Final = Gauge(
    "trunkline_console_definitions", "What the directory defines, of all tenants.", ["kind"], registry=REGISTRY
)
KINDS: Final = ("queues", "agents", "flows", "entry_points")


def count(directory: Directory, kind: str) -> int:
    """Return how many things of a kind one partition defines."""
    return len(getattr(directory, kind))
