"""Where one installation keeps what an operator works on; who starts the tool knows it from the environment."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Installation:
    """One centre.

    Attributes:
        kafka_bootstrap: host:port list of its brokers.
        mongo_url, mongo_database: where its read models are.
        data: its folder on this machine.
        keystore: the SQLite file with its data keys; None where they lie in MongoDB.
        console_url: where console answers browsers.
        acd_addresses: gRPC addresses of acd's replicas; empty where nobody is to be asked.
        brokers: while it is entered, brokers answer at `kafka_bootstrap`, also where the centre is stopped.
    """

    kafka_bootstrap: str
    mongo_url: str
    mongo_database: str
    data: Path
    keystore: Path | None
    console_url: str = "http://127.0.0.1:8080"
    acd_addresses: tuple[str, ...] = ()
    brokers: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def secret(self) -> Path:
        """The file with the installation's secret, where `make run` made one."""
        return self.data / "secret"
