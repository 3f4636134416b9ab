"""The user's own Kafka and MongoDB: can they be reached at all? Must not: judge what is inside them."""

import socket

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri
from trunkline_core.errors import Misconfigured

from trunkline_launcher.layout import Layout

CONNECT_WITHIN_S = 5.0


def require_clusters(layout: Layout) -> None:
    """Check that one address of each cluster that the user named takes connections.

    Raises: Misconfigured, naming the variable.
    """
    if layout.kafka:
        _require_one("Kafka", _addresses_of(layout.kafka), "TRUNKLINE_KAFKA_BOOTSTRAP")
    if layout.mongo and not layout.mongo.startswith("mongodb+srv:"):  # a name that only DNS resolves: the driver's job
        _require_one("MongoDB", _addresses_in(layout.mongo), "TRUNKLINE_MONGO_URL")


def _require_one(what: str, addresses: list[tuple[str, int]], variable: str) -> None:
    if not any(_accepts(address) for address in addresses):
        shown = ", ".join(f"{host}:{port}" for host, port in addresses)
        raise Misconfigured(f"{what} does not answer at {shown}: start it or correct {variable}.")


def _addresses_of(bootstrap: str) -> list[tuple[str, int]]:
    addresses = []
    for part in bootstrap.split(","):
        host, _, port = part.strip().rpartition(":")
        if not host or not port.isdigit():
            raise Misconfigured("TRUNKLINE_KAFKA_BOOTSTRAP must be host:port, with commas between several.")
        addresses.append((host.strip("[]"), int(port)))
    return addresses


def _addresses_in(url: str) -> list[tuple[str, int]]:
    try:
        return [(host, port or 27017) for host, port in parse_uri(url)["nodelist"]]
    except (PyMongoError, ValueError):  # its text may repeat the password
        raise Misconfigured("TRUNKLINE_MONGO_URL must be a URL like mongodb://host:27017/.") from None


def _accepts(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=CONNECT_WITHIN_S):
            return True
    except OSError:
        return False
