"""What runs on this machine: data folders, ports, and the environment of each process.

Owns: the defaults of `make run`. Must not: start anything.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trunkline_core.errors import Misconfigured
from trunkline_embedded.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "services" / "console" / "web"
GRPC_SERVICES = ("console", "acd", "ivr", "crm", "ticketing", "channels")
SERVICES = (*GRPC_SERVICES, "analytics")
HTTP_PORTS = {
    "console": 8080,
    "channels": 8081,
    "acd": 8082,
    "ivr": 8083,
    "crm": 8085,
    "ticketing": 8084,
    "analytics": 8086,
}
GRPC_PORTS = {"console": 7080, "channels": 7081, "acd": 7082, "ivr": 7083, "crm": 7085, "ticketing": 7084}
KAFKA_PORT = 7092
MONGO_PORT = 7017


@dataclass(frozen=True, slots=True)
class Layout:
    """One installation on this machine; `kafka` and `mongo` are empty where the embedded ones are used."""

    data: Path
    kafka: str
    mongo: str
    ports: Mapping[str, int]

    @property
    def logs(self) -> Path:
        """Folder of the processes' logs."""
        return self.data / "logs"

    @property
    def kafka_bootstrap(self) -> str:
        """Where clients find Kafka."""
        return self.kafka or f"127.0.0.1:{self.ports['KAFKA']}"

    @property
    def mongo_url(self) -> str:
        """Where clients find the store."""
        return self.mongo or f"mongodb://127.0.0.1:{self.ports['MONGO']}/"

    def http_url(self, service: str) -> str:
        """Base URL of a service's HTTP server."""
        return f"http://127.0.0.1:{self.ports[f'{service.upper()}_HTTP']}"

    def grpc_address(self, service: str) -> str:
        """host:port of a service's gRPC server."""
        return f"127.0.0.1:{self.ports[f'{service.upper()}_GRPC']}"

    def environment(self, service: str) -> dict[str, str]:
        """Return the whole environment of one service; what the user set wins."""
        own = f"TRUNKLINE_{service.upper()}"
        ours = {
            "TRUNKLINE_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "TRUNKLINE_MONGO_URL": self.mongo_url,
            "TRUNKLINE_SECRET": installation_secret(self.data),
            "TRUNKLINE_KEYSTORE": str(self.data / "keys.sqlite"),
            "TRUNKLINE_CHANNELS_WIDGET_ORIGINS": "*",
            "TRUNKLINE_ANALYTICS_WORK_DIR": str(self.data / "faust"),
            f"{own}_HTTP_PORT": str(self.ports[f"{service.upper()}_HTTP"]),
        }
        if service in GRPC_SERVICES:
            ours[f"{own}_GRPC_PORT"] = str(self.ports[f"{service.upper()}_GRPC"])
        for other in GRPC_SERVICES:
            ours[f"{own}_{other.upper()}_ADDRESSES"] = self.grpc_address(other)
            ours[f"{own}_{other.upper()}_URL"] = self.http_url(other)
        return ours | dict(os.environ)


def default_layout(environment: Mapping[str, str] = os.environ) -> Layout:
    """Return the layout that `make run` uses.

    Raises: Misconfigured for a port that is no number, and for one number given to two programs.
    """
    defaults = {"KAFKA": KAFKA_PORT, "MONGO": MONGO_PORT}
    defaults |= {f"{service.upper()}_HTTP": port for service, port in HTTP_PORTS.items()}
    defaults |= {f"{service.upper()}_GRPC": port for service, port in GRPC_PORTS.items()}
    return Layout(
        data=Path(environment.get("TRUNKLINE_DATA") or ROOT / ".trunkline" / "data").absolute(),
        kafka=environment.get("TRUNKLINE_KAFKA_BOOTSTRAP", ""),
        mongo=environment.get("TRUNKLINE_MONGO_URL", ""),
        ports=_distinct({name: _port(environment, name, default) for name, default in defaults.items()}),
    )


def free_ports() -> dict[str, int]:
    """Return a free port for each of `Layout.ports`: a centre beside others, of a test or a bench."""
    return {name: free_port() for name in default_layout({}).ports}


def port_variable(name: str) -> str:
    """Return the environment variable that moves a port of `Layout.ports`."""
    return f"TRUNKLINE_{name}_PORT"


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(port_variable(name), str(default))
    if not (value.isascii() and value.isdigit()) or not 0 < int(value) < 65_536:
        raise Misconfigured(f"{port_variable(name)} must be a port number between 1 and 65535.")
    return int(value)


def _distinct(ports: dict[str, int]) -> dict[str, int]:
    users: dict[int, str] = {}
    for name, port in ports.items():
        if port in users:
            both = f"{port_variable(users[port])} and {port_variable(name)}"
            raise Misconfigured(f"{both} are both {port}: give each a port of its own.")
        users[port] = name
    return ports


def found_secret(data: Path) -> str:
    """Return the secret of a centre that has run. Raises: Misconfigured where none did."""
    try:
        return (data / "secret").read_text()
    except FileNotFoundError:
        raise Misconfigured(f"No centre has run on {data} yet: start it with make run first.") from None


def installation_secret(data: Path) -> str:
    """Return the secret that signs tokens and wraps keys; made once, readable by this user only."""
    path = data / "secret"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()
