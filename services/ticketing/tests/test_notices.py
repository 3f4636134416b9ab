"""Telling outside systems of tickets, as rules (ledger rule 14)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from trunkline_core.decider import Context
from trunkline_core.errors import Invalid
from trunkline_core.ids import derive_id
from trunkline_core.sealed import Sealed
from trunkline_core.spec import Spec
from trunkline_core.webhooks import NoticeTargetDefinition
from trunkline_ticketing.domain.commands import (
    ChangeTicketState,
    Command,
    CreateTicket,
    PutNoticeTarget,
    RecordNoticeDelivered,
    RecordNoticeRefused,
)
from trunkline_ticketing.domain.decider import TicketingDecider
from trunkline_ticketing.domain.events import (
    Event,
    NoticeDelayed,
    NoticeDelivered,
    NoticeFailed,
    NoticeIntended,
    NoticeTargetPut,
    TicketCreated,
    TicketStateChanged,
)
from trunkline_ticketing.domain.notices import MAX_ATTEMPTS, MAX_OUTSTANDING, delay_after
from trunkline_ticketing.domain.state import TicketingState
from trunkline_ticketing.domain.words import TicketState

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOW = Context(NINE, "tn_demo", "agent:ag_1", "c0")
TEXT = Sealed("dk_1", b"n" * 12, b"text" + b"t" * 16)
TARGET = NoticeTargetDefinition("nt_shop", "https://shop.example/hooks", ("now",), False)
OTHER = NoticeTargetDefinition("nt_audit", "https://audit.example/", ("now",), False)
CREATED = TicketCreated("tk_1", "ct_1", "cu_1", TEXT)
OPEN, RESOLVED, NONE = TicketState.OPEN, TicketState.RESOLVED, TicketState.UNSPECIFIED
INTENDED = NoticeIntended("nc_1", "nt_shop", "tk_1", "ct_1", NONE, OPEN)

TicketSpec = Spec[TicketingState, Command, Event]


def told(*targets: NoticeTargetDefinition, tenant: str = "tn_demo") -> TicketSpec:
    spec: TicketSpec = Spec(TicketingDecider(), TicketingState, replace(NOW, tenant=tenant))
    return spec.given(*(NoticeTargetPut(target) for target in targets))


def intended(target_id: str, ordinal: int, ticket_id: str, before: TicketState, after: TicketState) -> NoticeIntended:
    return NoticeIntended(derive_id("nc", "c1", ordinal), target_id, ticket_id, "ct_1", before, after)


def test_a_new_ticket_is_told_to_every_target_of_the_tenant() -> None:
    ticket_id = derive_id("tk", "c1", 0)
    created = TicketCreated(ticket_id, "ct_1", "", TEXT)
    told(TARGET, OTHER).when(CreateTicket("ct_1", "", TEXT)).then(
        created,
        intended("nt_audit", 0, ticket_id, NONE, OPEN),
        intended("nt_shop", 1, ticket_id, NONE, OPEN),
    )
    told(TARGET).given(created).when(CreateTicket("ct_1", "", TEXT)).then()


def test_a_change_of_state_is_told_with_both_states_and_no_change_is_not() -> None:
    spec = told(TARGET).given(CREATED)
    moved = TicketStateChanged("tk_1", OPEN, RESOLVED)
    spec.when(ChangeTicketState("tk_1", RESOLVED)).then(moved, intended("nt_shop", 0, "tk_1", OPEN, RESOLVED))
    spec.when(ChangeTicketState("tk_1", RESOLVED)).then()


def test_a_disabled_target_and_another_tenants_are_told_nothing() -> None:
    created = TicketCreated(derive_id("tk", "c1", 0), "", "", TEXT)
    told(replace(TARGET, disabled=True)).when(CreateTicket("", "", TEXT)).then(created)
    spec = told(tenant="tn_other")
    TicketingDecider().evolve(spec.state, NoticeTargetPut(TARGET), NOW)
    spec.when(CreateTicket("", "", TEXT)).then(created)


def test_a_target_is_taken_over_as_a_whole_and_an_unchanged_one_changes_nothing() -> None:
    changed = replace(TARGET, url="https://shop.example/new")
    spec = told(TARGET)
    spec.when(PutNoticeTarget(TARGET)).then()
    spec.when(PutNoticeTarget(changed)).then(NoticeTargetPut(changed))
    assert spec.state.targets("tn_demo") == (changed,)
    spec.when(PutNoticeTarget(None)).then_refused(Invalid("target", "must be set"))
    wrong = replace(TARGET, url="shop.example")
    spec.when(PutNoticeTarget(wrong)).then_refused(Invalid("notice_target.url", "must be https://host/…"))


def test_a_delivered_notice_is_outstanding_no_more_and_is_delivered_once() -> None:
    spec = told(TARGET).given(CREATED, INTENDED)
    spec.when(RecordNoticeDelivered("nc_1", 1)).then(NoticeDelivered("nc_1", "nt_shop", 1))
    spec.when(RecordNoticeDelivered("nc_1", 1)).then()
    spec.when(RecordNoticeRefused("nc_1", 1, "Timeout")).then()
    assert not len(spec.state.notices) and spec.state.outstanding.get("tn_demo") == 0


def test_a_refused_notice_is_due_again_later_and_each_attempt_counts_once() -> None:
    spec = told(TARGET).given(CREATED, INTENDED)
    delayed = NoticeDelayed("nc_1", "nt_shop", 1, "Status500", NINE + timedelta(seconds=1))
    spec.when(RecordNoticeRefused("nc_1", 1, "Status500")).then(delayed)
    assert [(each.attempts, each.due) for each in spec.state.notices.values()] == [(1, NINE + timedelta(seconds=1))]
    spec.when(RecordNoticeRefused("nc_1", 1, "Status500")).then()
    spec.when(RecordNoticeDelivered("nc_1", 2)).then(NoticeDelivered("nc_1", "nt_shop", 2))


def test_after_the_last_attempt_it_is_given_up() -> None:
    spec = told(TARGET).given(CREATED, INTENDED)
    for attempt in range(1, MAX_ATTEMPTS):
        spec.when(RecordNoticeRefused("nc_1", attempt, "Timeout"))
    last = NoticeFailed("nc_1", "nt_shop", MAX_ATTEMPTS, "Timeout")
    spec.when(RecordNoticeRefused("nc_1", MAX_ATTEMPTS, "Timeout")).then(last)
    assert not len(spec.state.notices)


def test_attempts_come_within_some_66_minutes_ever_less_often() -> None:
    delays = [delay_after(attempt).total_seconds() for attempt in range(1, MAX_ATTEMPTS)]
    assert delays == [1, 4, 16, 64, 256, *[600] * 6]


def test_a_notice_of_a_target_that_was_disabled_is_given_up_at_once() -> None:
    spec = told(TARGET).given(CREATED, INTENDED, NoticeTargetPut(replace(TARGET, disabled=True)))
    failed = NoticeFailed("nc_1", "nt_shop", 1, "TargetDisabled")
    spec.when(RecordNoticeRefused("nc_1", 1, "TargetDisabled")).then(failed)


def test_a_tenant_with_too_many_outstanding_is_not_told_and_its_tickets_change_all_the_same() -> None:
    spec = told(TARGET).given(CREATED)
    spec.given(*(replace(INTENDED, notice_id=f"nc_{number}") for number in range(MAX_OUTSTANDING)))
    spec.when(ChangeTicketState("tk_1", RESOLVED)).then(
        TicketStateChanged("tk_1", OPEN, RESOLVED),
        intended("nt_shop", 0, "tk_1", OPEN, RESOLVED),
        NoticeFailed(derive_id("nc", "c1", 0), "nt_shop", 0, "TooManyOutstanding"),
    )
    assert len(spec.state.notices) == MAX_OUTSTANDING == spec.state.outstanding.get("tn_demo")


@pytest.mark.parametrize("command", [RecordNoticeDelivered("nc_1", 1), RecordNoticeRefused("nc_1", 1, "Timeout")])
def test_another_tenants_notice_looks_like_none(command: Command) -> None:
    spec = told(tenant="tn_other")
    for event in (NoticeTargetPut(TARGET), CREATED, INTENDED):
        TicketingDecider().evolve(spec.state, event, NOW)
    spec.when(command).then()
