"""What is unknown here is refused for good only by a replica that has read everything (ledger rule 8)."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from trunkline_channels.application.reception import Arrival, Reception
from trunkline_channels.domain.state import EntryPoint
from trunkline_channels.domain.words import Channel, EntryPointDefinition
from trunkline_core.errors import NotFound, Transient
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Principal, Role

TENANT, CONTACT = "tn_1", "ct_0f_1"
GATEWAY = Principal(TENANT, "gateway:gw_1", frozenset({Role.GATEWAY}))
ROW: Any = SimpleNamespace(tenant=TENANT)
ARRIVAL = Arrival(entry_point_id="ep_new", address="+861", attributes={}, locale="en", peer_id="gw_1")


class Ledger:
    """A replica's ledger; `news` is what it learns by reading to the end, or why it cannot."""

    partitions = (0, 1)

    def __init__(self, news: Callable[["Ledger"], None]) -> None:
        self.contacts: dict[str, Any] = {}
        self.entry_points: dict[str, Any] = {}
        self._news = news

    def partition_of(self, _: bytes) -> int:
        return 1

    def state(self, _: int) -> "Ledger":
        return self

    async def read(self, _: int, view: Callable[["Ledger"], Any]) -> Any:
        return view(self)

    async def reach_end(self, *_: int) -> None:
        self._news(self)


def reception(news: Callable[[Ledger], None], sealing: Any = None) -> Reception:
    unused: Any = None
    ledger: Any = Ledger(news)
    return Reception(ledger, unused, sealing)


def cut_off(_: Ledger) -> None:
    raise Transient("this replica cannot tell")


async def test_a_contact_that_was_opened_at_another_replica_is_known_once_all_is_read() -> None:
    assert await reception(lambda ledger: ledger.contacts.update({CONTACT: ROW})).known(CONTACT, TENANT) is ROW


async def test_a_contact_that_is_unknown_although_all_is_read_is_none() -> None:
    with pytest.raises(NotFound):
        await reception(lambda _: None).known(CONTACT, TENANT)


async def test_a_replica_that_is_cut_off_refuses_nothing_for_good() -> None:
    with pytest.raises(Transient):
        await reception(cut_off).known(CONTACT, TENANT)
    with pytest.raises(Transient):
        await reception(cut_off).start(ARRIVAL, GATEWAY, new_command_id())


class GoesOn(Exception):
    """The entry point was found: the caller's address is next."""


async def test_an_entry_point_that_was_defined_at_another_replica_is_known_once_all_is_read() -> None:
    def learn(ledger: Ledger) -> None:
        definition = EntryPointDefinition("ep_new", "new", Channel.VOICE, "fl_1")
        ledger.entry_points["ep_new"] = EntryPoint(TENANT, definition)

    def token(tenant: str, purpose: str) -> str:
        raise GoesOn(tenant, purpose)

    sealing: Any = SimpleNamespace(token=token)
    with pytest.raises(GoesOn) as found:
        await reception(learn, sealing).start(ARRIVAL, GATEWAY, new_command_id())
    assert found.value.args == (TENANT, "voice:+861")


async def test_an_entry_point_that_is_unknown_although_all_is_read_is_none() -> None:
    with pytest.raises(NotFound):
        await reception(lambda _: None).start(ARRIVAL, GATEWAY, new_command_id())
