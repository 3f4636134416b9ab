"""The operator's tools on this machine's installation: where everything is, and Kafka also while it is stopped.

Must not: know what a tool does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from trunkline_embedded.kafka import KafkaNode, live_brokers

from trunkline_launcher.layout import Layout
from trunkline_launcher.lock import only_one

AREAS: Final = ("ledger", "backup", "restore", "projection", "explain", "what-if", "shadow", "policy")


def operate(layout: Layout, arguments: list[str]) -> int:
    """Run one of the tools and return its exit code. Raises: Misconfigured."""
    from trunkline_operator.commands import carry_out  # not at the top: it loads the rules of every service
    from trunkline_operator.installation import Installation

    keystore = os.environ.get("TRUNKLINE_KEYSTORE") or str(layout.data / "keys.sqlite")
    installation = Installation(
        kafka_bootstrap=layout.kafka_bootstrap,
        mongo_url=layout.mongo_url,
        mongo_database=os.environ.get("TRUNKLINE_MONGO_DATABASE") or "trunkline",
        data=layout.data,
        keystore=None if keystore == "mongodb" else Path(keystore),
        console_url=layout.http_url("console"),
        acd_addresses=(layout.grpc_address("acd"),),
        brokers=partial(brokers, layout),
    )
    return carry_out(arguments, installation)


@contextmanager
def brokers(layout: Layout) -> Iterator[None]:
    """See that brokers answer: yours, those of the running centre, or the embedded one, started for as long as needed.

    Raises: Misconfigured when it does not come up, or when a centre is just starting.
    """
    if layout.kafka or live_brokers(layout.ports["KAFKA"]):
        yield
        return
    with only_one(layout.data, "wait until it is ready, or stop it with Ctrl-C first"):
        node = KafkaNode.start(layout.data / "kafka", layout.ports["KAFKA"])
        try:
            yield
        finally:
            node.stop()
