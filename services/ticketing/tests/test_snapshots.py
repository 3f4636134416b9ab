"""ticketing's state goes through a snapshot whole (ledger rule 16)."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_core.ids import derive_id
from trunkline_core.sealed import Sealed
from trunkline_core.webhooks import NoticeTargetDefinition
from trunkline_testkit.contracts.snapshots import check_snapshot, live
from trunkline_ticketing.bootstrap import SERVICE
from trunkline_ticketing.domain.commands import (
    AddNote,
    ChangeTicketState,
    CreateTicket,
    PutNoticeTarget,
    RecordNoticeDelivered,
    RecordNoticeRefused,
)
from trunkline_ticketing.domain.words import TicketState

SEALED = Sealed("dk_1", b"n" * 12, b"text" + b"t" * 16)
tickets = st.integers(0, 9).map(lambda number: derive_id("tk", f"c{number}.0", 0))
notices = st.integers(0, 9).map(lambda number: derive_id("nc", f"c{number}.0", 0))
targets = st.builds(
    NoticeTargetDefinition,
    st.sampled_from(["nt_1", "nt_2"]),
    st.just("https://shop.example/"),
    st.just(("now",)),
    st.booleans(),
)
moves: st.SearchStrategy[Any] = st.one_of(
    st.builds(PutNoticeTarget, targets),
    st.builds(RecordNoticeDelivered, notices, st.integers(1, 2)),
    st.builds(RecordNoticeRefused, notices, st.integers(1, 2), st.just("500")),
    st.builds(CreateTicket, st.just("ct_1"), st.sampled_from(["", "cu_1"]), st.just(SEALED)),
    st.builds(ChangeTicketState, tickets, st.sampled_from(TicketState)),
    st.builds(AddNote, tickets, st.just(SEALED)),
    st.integers(1, 400),
)


@settings(max_examples=60)
@given(st.lists(moves, max_size=40), st.integers(1, 80))
def test_a_replica_that_begins_from_a_snapshot_comes_to_the_very_same_state(some: list[Any], cut: int) -> None:
    check_snapshot(SERVICE, live(SERVICE, some), cut)
