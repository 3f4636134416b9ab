"""The whole centre of all tests that need one: its broker, store, ports and folder are its own.

Not the session's broker: there the services' own tests write the ledgers of services that do not run.
Files that need the centre come first, and in `make test` in one process (`../conftest.py`); after the last of them it
stops and leaves the cores to the others.
"""

from pathlib import Path

import pytest
from trunkline_embedded.web import build_web
from trunkline_launcher.layout import WEB, Layout, free_ports
from trunkline_launcher.supervisor import Supervisor


class HookedLayout(Layout):
    """A layout whose centre knows the secret of the web hook that a test defines for the demo tenant."""

    def environment(self, service: str) -> dict[str, str]:
        """Return the whole environment of one service."""
        return super().environment(service) | {"TRUNKLINE_WEBHOOK_SECRETS": f"tn_demo/messenger={'m' * 32}"}


class OneCentre:
    """A centre with the demo tenant that is started when it is first needed. `needed_by`: files."""

    def __init__(self) -> None:
        self.needed_by: set[Path] = set()
        self._running: tuple[Layout, Supervisor] | None = None

    def running(self, tmp_path_factory: pytest.TempPathFactory) -> Layout:
        """Return where everything is."""
        if self._running is None:
            build_web(WEB, report=lambda _: None)
            layout = HookedLayout(data=tmp_path_factory.mktemp("centre"), kafka="", mongo="", ports=free_ports())
            self._running = layout, Supervisor(layout, report=lambda _: None)
            self._running[1].start()
        return self._running[0]

    def stop(self) -> None:
        """Stop it, if it runs."""
        running, self._running = self._running, None
        if running is not None:
            running[1].stop()


one_centre = OneCentre()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A running centre with the demo tenant; its layout says where everything is."""
    return one_centre.running(tmp_path_factory)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    one_centre.needed_by = {item.path for item in items if "centre" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in one_centre.needed_by)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    if nextitem is None or nextitem.path not in one_centre.needed_by:
        one_centre.stop()
