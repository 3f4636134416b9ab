"""crm's state goes through a snapshot whole (ledger rule 16)."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_core.ids import contact_prefix, derive_id
from trunkline_core.sealed import Sealed
from trunkline_crm.bootstrap import SERVICE
from trunkline_crm.domain.commands import ChangeProfile, EraseCustomer, RecordService, ResolveCustomer, SetAccountOwner
from trunkline_crm.domain.words import Channel
from trunkline_testkit.contracts.snapshots import check_snapshot, live

TOKENS = ("0123456789abcdef1", "fedcba98765432101")
SEALED = Sealed("dk_1", b"n" * 12, b"text" + b"t" * 16)
customers = st.integers(0, 9).map(lambda number: derive_id("cu", f"c{number}.0", 0))
contacts = st.builds(
    lambda token, number: f"{contact_prefix(token)}{number}", st.sampled_from(TOKENS), st.integers(1, 3)
)
channels = st.sampled_from([Channel.CHAT, Channel.VOICE])


@st.composite
def resolve(draw: st.DrawFn) -> ResolveCustomer:
    token = draw(st.sampled_from(TOKENS))
    contact_id = f"{contact_prefix(token)}{draw(st.integers(1, 3))}"
    return ResolveCustomer(contact_id, draw(st.integers(1, 3)), draw(channels), token, SEALED)


moves: st.SearchStrategy[Any] = st.one_of(
    resolve(),
    st.builds(ChangeProfile, customers, st.integers(1, 9), st.just(SEALED)),
    st.builds(EraseCustomer, customers),
    st.builds(SetAccountOwner, customers, st.sampled_from(["ag_li", ""])),
    st.builds(RecordService, contacts, st.sampled_from(["ag_li", "ag_wu"])),
    st.sampled_from([1, 3_600, 90_000]),
)


@settings(max_examples=60)
@given(st.lists(moves, max_size=40), st.integers(1, 80))
def test_a_replica_that_begins_from_a_snapshot_comes_to_the_very_same_state(some: list[Any], cut: int) -> None:
    check_snapshot(SERVICE, live(SERVICE, some), cut)
