"""The whole centre, once per process that runs tests: its broker, store, ports and folder are its own.

Not the session's broker: there the services' own tests write the ledgers of services that do not run.
"""

from collections.abc import Iterator

import pytest
from trunkline_embedded.web import build_web
from trunkline_launcher.layout import WEB, Layout, free_ports
from trunkline_launcher.supervisor import Supervisor


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A running centre with the demo tenant; its layout says where everything is."""
    build_web(WEB, report=lambda _: None)
    layout = Layout(data=tmp_path_factory.mktemp("centre"), kafka="", mongo="", ports=free_ports())
    supervisor = Supervisor(layout, report=lambda _: None)
    try:
        supervisor.start()
        yield layout
    finally:
        supervisor.stop()
