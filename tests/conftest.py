"""The whole centre, once per test session, on ports and in a folder of its own."""

from collections.abc import Iterator

import pytest
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.ports import free_port
from trunkline_embedded.store import MongoStore
from trunkline_embedded.web import build_web
from trunkline_launcher.__main__ import WEB
from trunkline_launcher.layout import Layout, default_layout
from trunkline_launcher.supervisor import Supervisor


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory, kafka: KafkaNode, mongo: MongoStore) -> Iterator[Layout]:
    """A running centre with the demo tenant; its layout says where everything is."""
    build_web(WEB, report=lambda _: None)
    known = default_layout({})
    layout = Layout(
        data=tmp_path_factory.mktemp("centre"),
        kafka=kafka.bootstrap,
        mongo=mongo.url,
        ports={name: free_port() for name in known.ports},
    )
    supervisor = Supervisor(layout, report=lambda _: None)
    try:
        supervisor.start()
        yield layout
    finally:
        supervisor.stop()
