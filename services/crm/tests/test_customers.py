from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.decider import Context, execute
from trunkline_core.errors import Invalid, NotFound, Rejection, TrunklineError
from trunkline_core.ids import contact_prefix, derive_id
from trunkline_core.sealed import Sealed
from trunkline_core.spec import Spec
from trunkline_crm.domain.agents import LAST_AGENT_LIFE
from trunkline_crm.domain.commands import (
    ChangeProfile,
    Command,
    EraseCustomer,
    RecordService,
    ResolveCustomer,
    SetAccountOwner,
    SetDoNotCall,
)
from trunkline_crm.domain.decider import CrmDecider
from trunkline_crm.domain.events import (
    AccountOwnerSet,
    ContactResolved,
    CustomerCreated,
    CustomerErased,
    CustomerServed,
    DoNotCallSet,
    Event,
    IdentityAdded,
    ProfileChanged,
)
from trunkline_crm.domain.state import CrmState, Erasure
from trunkline_crm.domain.words import Channel

NOW = Context(datetime(2026, 1, 5, 9, tzinfo=UTC), "tn_demo", "system", "c0")
ADDRESS = Sealed("dk_1", b"n" * 12, b"address" + b"t" * 16)
NAME = Sealed("dk_1", b"n" * 12, b"name" + b"t" * 16)
TOKEN_1, TOKEN_2 = "0123456789abcdef1", "0123456789abcdef2"  # contacts show the first 16: any contact fits both
CT_1, CT_2, CT_3 = (f"{contact_prefix(TOKEN_1)}{number}" for number in (1, 2, 3))
KNOWN = (
    CustomerCreated("cu_1"),
    IdentityAdded("cu_1", Channel.CHAT, TOKEN_1, ADDRESS),
    ContactResolved("cu_1", CT_1, 1),
)
RESOLVE = ResolveCustomer(CT_1, 1, Channel.CHAT, TOKEN_1, ADDRESS)

CustomerSpec = Spec[CrmState, Command, Event]


def customers(tenant: str = "tn_demo") -> CustomerSpec:
    return Spec(CrmDecider(), CrmState, replace(NOW, tenant=tenant))


def created(customer_id: str, contact_id: str = CT_2, step_no: int = 1, token: str = TOKEN_1) -> list[Event]:
    return [
        CustomerCreated(customer_id),
        IdentityAdded(customer_id, Channel.CHAT, token, ADDRESS),
        ContactResolved(customer_id, contact_id, step_no),
    ]


def test_an_unknown_address_makes_a_customer() -> None:
    customers().when(RESOLVE).then(*created(derive_id("cu", "c1", 0), CT_1))


def test_a_known_address_finds_its_customer() -> None:
    command = replace(RESOLVE, contact_id=CT_2)
    customers().given(*KNOWN).when(command).then(ContactResolved("cu_1", CT_2, 1))


@pytest.mark.parametrize("other", [{"channel": Channel.VOICE}, {"address_token": TOKEN_2}])
def test_another_address_is_another_customer(other: dict[str, Any]) -> None:
    command = replace(RESOLVE, contact_id=CT_2, **other)
    new = derive_id("cu", "c1", 0)
    identity = IdentityAdded(new, command.channel, command.address_token, ADDRESS)
    customers().given(*KNOWN).when(command).then(CustomerCreated(new), identity, ContactResolved(new, CT_2, 1))


def test_an_address_belongs_to_one_customer_within_its_tenant_only() -> None:
    spec = customers("tn_other")
    for event in KNOWN:
        CrmDecider().evolve(spec.state, event, NOW)
    spec.when(replace(RESOLVE, contact_id=CT_2)).then(*created(derive_id("cu", "c1", 0)))


# -- steps ----------------------------------------------------------------------------------------------------------


def test_a_repeated_step_gets_its_first_answer() -> None:
    changed = replace(RESOLVE, address_token=TOKEN_2)
    customers().given(*KNOWN).when(RESOLVE).then(ContactResolved("cu_1", CT_1, 1))
    customers().given(*KNOWN).when(changed).then(ContactResolved("cu_1", CT_1, 1))


def test_a_lower_step_is_stale() -> None:
    spec = customers().given(*KNOWN, ContactResolved("cu_1", CT_1, 3))
    spec.when(replace(RESOLVE, step_no=2)).then_refused(Rejection("StaleStep"))


def test_a_higher_step_is_answered_anew() -> None:
    customers().given(*KNOWN).when(replace(RESOLVE, step_no=2)).then(ContactResolved("cu_1", CT_1, 2))


def test_an_answer_is_remembered_for_a_day() -> None:
    elsewhere = replace(RESOLVE, address_token=TOKEN_2)
    spec = customers().given(*KNOWN).after(timedelta(hours=23, minutes=59))
    spec.when(elsewhere).then(ContactResolved("cu_1", CT_1, 1))
    spec = customers().given(*KNOWN).after(timedelta(hours=24))
    spec.when(elsewhere).then(*created(derive_id("cu", "c1", 0), CT_1, token=TOKEN_2))


def test_a_contact_of_another_tenant_looks_like_none() -> None:
    spec = customers("tn_other")
    for event in KNOWN:
        CrmDecider().evolve(spec.state, event, NOW)
    spec.when(RESOLVE).then_refused(NotFound("contact", CT_1))


# -- profiles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_a_profile_is_changed_by_an_editor_who_saw_the_newest(seen: int) -> None:
    customers().given(*KNOWN).when(ChangeProfile("cu_1", seen, NAME)).then(ProfileChanged("cu_1", NAME))


def test_a_profile_changed_meanwhile_is_not_overwritten() -> None:
    spec = customers().given(*KNOWN, ProfileChanged("cu_1", NAME))
    spec.when(ChangeProfile("cu_1", 3, NAME)).then_refused(Rejection("ProfileChangedMeanwhile"))


def test_contacts_that_came_meanwhile_do_not_stop_an_editor() -> None:
    history = (*KNOWN, ProfileChanged("cu_1", NAME), ContactResolved("cu_1", CT_2, 1))
    customers().given(*history).when(ChangeProfile("cu_1", 4, NAME)).then(ProfileChanged("cu_1", NAME))


def test_an_editor_who_saw_nothing_asks_for_no_check() -> None:
    spec = customers().given(*KNOWN, ProfileChanged("cu_1", NAME))
    spec.when(ChangeProfile("cu_1", 0, NAME)).then(ProfileChanged("cu_1", NAME))


@pytest.mark.parametrize("seen", [-1, 4])
def test_a_version_that_nobody_can_have_seen_is_invalid(seen: int) -> None:
    refusal = Invalid("expected_version", "is no version of this customer")
    customers().given(*KNOWN).when(ChangeProfile("cu_1", seen, NAME)).then_refused(refusal)


# -- the agents whom a customer knows (routing rule 10) --------------------------------------------------------------

AGAIN = replace(RESOLVE, contact_id=CT_2)
SERVED = CustomerServed("cu_1", CT_1, "ag_li")


def test_who_has_a_contact_of_the_customer_is_remembered() -> None:
    customers().given(*KNOWN).when(RecordService(CT_1, "ag_li")).then(SERVED)


def test_of_a_contact_whose_customer_is_not_known_nobody_is_remembered() -> None:
    customers().given(*KNOWN).when(RecordService(CT_2, "ag_li")).then()
    spec = customers("tn_other")
    for event in KNOWN:
        CrmDecider().evolve(spec.state, event, NOW)
    spec.when(RecordService(CT_1, "ag_li")).then()


def test_the_next_contact_is_told_who_had_the_customer_last() -> None:
    later = CustomerServed("cu_1", CT_1, "ag_wang")
    expected = ContactResolved("cu_1", CT_2, 1, last_agent_id="ag_wang")
    customers().given(*KNOWN, SERVED, later).when(AGAIN).then(expected)


def test_who_had_the_customer_too_long_ago_is_named_no_more() -> None:
    spec = customers().given(*KNOWN, SERVED).after(LAST_AGENT_LIFE)
    spec.when(AGAIN).then(ContactResolved("cu_1", CT_2, 1, last_agent_id="ag_li"))
    spec = customers().given(*KNOWN, SERVED).after(LAST_AGENT_LIFE + timedelta(microseconds=1))
    spec.when(AGAIN).then(ContactResolved("cu_1", CT_2, 1))


def test_an_account_has_an_owner_until_another_is_set() -> None:
    spec = customers().given(*KNOWN)
    spec.when(SetAccountOwner("cu_1", "ag_wu")).then(AccountOwnerSet("cu_1", "ag_wu"))
    spec.when(SetAccountOwner("cu_1", "ag_wu")).then()
    spec.when(SetAccountOwner("cu_1", "")).then(AccountOwnerSet("cu_1", ""))


def test_a_contact_is_told_whose_account_it_is_beside_who_had_the_customer_last() -> None:
    expected = ContactResolved("cu_1", CT_2, 1, account_owner_id="ag_wu", last_agent_id="ag_li")
    customers().given(*KNOWN, SERVED, AccountOwnerSet("cu_1", "ag_wu")).when(AGAIN).then(expected)


def test_an_owner_who_is_set_is_no_reason_to_refuse_an_editor() -> None:
    spec = customers().given(*KNOWN, ProfileChanged("cu_1", NAME), AccountOwnerSet("cu_1", "ag_wu"))
    spec.when(ChangeProfile("cu_1", 4, NAME)).then(ProfileChanged("cu_1", NAME))


def test_an_erasure_forgets_last_agent_and_owner() -> None:
    spec = customers().given(*KNOWN, SERVED, AccountOwnerSet("cu_1", "ag_wu"), CustomerErased("cu_1", (TOKEN_1,)))
    erased = spec.state.customer("tn_demo", "cu_1")
    assert (erased.account_owner_id, erased.last_agent_id, erased.served_time) == ("", "", None)
    spec.when(RecordService(CT_1, "ag_li")).then()
    spec.when(SetAccountOwner("cu_1", "ag_wu")).then_refused(NotFound("customer", "cu_1"))
    spec.when(AGAIN).then(*created(derive_id("cu", "c3", 0)))


# -- erasure --------------------------------------------------------------------------------------------------------


def test_a_customer_is_erased_once() -> None:
    spec = customers().given(*KNOWN).when(EraseCustomer("cu_1")).then(CustomerErased("cu_1", (TOKEN_1,)))
    spec.when(EraseCustomer("cu_1")).then()
    assert list(spec.state.erasures()) == [Erasure("tn_demo", "cu_1", (TOKEN_1,), NOW.now)]


def test_an_erasure_names_every_address_of_the_customer() -> None:
    second = IdentityAdded("cu_1", Channel.VOICE, "another token", ADDRESS)
    expected = CustomerErased("cu_1", (TOKEN_1, "another token"))
    customers().given(*KNOWN, second).when(EraseCustomer("cu_1")).then(expected)


def test_an_erased_customer_is_not_found_any_more() -> None:
    spec = customers().given(*KNOWN, CustomerErased("cu_1", (TOKEN_1,)))
    spec.when(ChangeProfile("cu_1", 0, NAME)).then_refused(NotFound("customer", "cu_1"))


def test_the_address_of_an_erased_customer_makes_a_new_one() -> None:
    spec = customers().given(*KNOWN, CustomerErased("cu_1", (TOKEN_1,)))
    spec.when(replace(RESOLVE, contact_id=CT_2)).then(*created(derive_id("cu", "c1", 0)))


def test_a_repeated_step_never_leads_back_to_an_erased_customer() -> None:
    spec = customers().when(RESOLVE)
    erased = derive_id("cu", "c1", 0)
    context = replace(NOW, command_id="c1")
    spec.given(CustomerErased(erased, (TOKEN_1,)))
    events = execute(CrmDecider(), spec.state, RESOLVE, context)
    assert events == created(derive_id("cu", "c1", 1), CT_1)


# -- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ChangeProfile("cu_1", 0, NAME),
        EraseCustomer("cu_1"),
        ChangeProfile("cu_9", 0, NAME),
        EraseCustomer(""),
        SetAccountOwner("cu_1", "ag_wu"),
    ],
)
def test_an_unknown_customer_and_another_tenants_look_the_same(
    command: ChangeProfile | EraseCustomer | SetAccountOwner,
) -> None:
    spec = customers("tn_other")
    for event in KNOWN:
        CrmDecider().evolve(spec.state, event, NOW)
    spec.when(command).then_refused(NotFound("customer", command.customer_id))


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (replace(RESOLVE, contact_id=""), Invalid("contact_id", "must have 1 to 128 characters")),
        (replace(RESOLVE, step_no=0), Invalid("step_no", "must be at least 1")),
        (replace(RESOLVE, channel=Channel.UNSPECIFIED), Invalid("channel", "must be set")),
        (replace(RESOLVE, address_token=""), Invalid("address_token", "must have 1 to 128 characters")),
        (
            replace(RESOLVE, contact_id="ct_0123456789abcde_1"),
            Invalid("contact_id", "must begin with the address token's"),
        ),
        (replace(RESOLVE, address=None), Invalid("address", "must be set")),
        (
            replace(RESOLVE, address=replace(NAME, ciphertext=b"x" * 1041)),
            Invalid("address", "must have at most 1 KiB"),
        ),
        (ChangeProfile("cu_1", 0, None), Invalid("name", "must be set")),
        (SetAccountOwner("cu_1", "a" * 129), Invalid("agent_id", "must have 1 to 128 characters")),
        (ChangeProfile("cu_1", 0, replace(NAME, ciphertext=b"x" * 1041)), Invalid("name", "must have at most 1 KiB")),
    ],
)
def test_bad_input_is_refused_by_name(command: Command, refusal: TrunklineError) -> None:
    customers().given(*KNOWN).when(command).then_refused(refusal)


# -- properties -----------------------------------------------------------------------------------------------------

resolves = st.builds(
    ResolveCustomer,
    st.sampled_from([CT_1, CT_2, CT_3]),
    st.integers(1, 3),
    st.sampled_from([Channel.VOICE, Channel.CHAT]),
    st.sampled_from([TOKEN_1, TOKEN_2]),
    st.just(ADDRESS),
)


services = st.builds(RecordService, st.sampled_from([CT_1, CT_2, CT_3]), st.sampled_from(["ag_li", "ag_wu"]))


@given(st.lists(st.one_of(resolves, services, st.integers(0, 5)), max_size=40))
def test_an_address_has_one_living_customer_and_versions_count_its_events(
    some: list[ResolveCustomer | RecordService | int],
) -> None:
    state, log = CrmState(), list[Event]()
    for number, move in enumerate(some):
        ids = sorted({event.customer_id for event in log})
        if isinstance(move, int) and not ids:
            continue
        command = EraseCustomer(ids[move % len(ids)]) if isinstance(move, int) else move
        try:
            log += execute(CrmDecider(), state, command, replace(NOW, command_id=f"c{number}"))
        except TrunklineError:
            continue
    living: dict[tuple[Channel, str], str] = {}
    served: dict[str, str] = {}
    for event in log:
        match event:
            case IdentityAdded():
                assert (event.channel, event.address_token) not in living
                living[event.channel, event.address_token] = event.customer_id
            case CustomerErased():
                living = {key: owner for key, owner in living.items() if owner != event.customer_id}
            case ContactResolved():
                assert event.customer_id in living.values()
                assert event.last_agent_id == served.get(event.customer_id, "")
            case CustomerServed():
                served[event.customer_id] = event.agent_id
    for customer_id in {event.customer_id for event in log}:
        count = sum(event.customer_id == customer_id for event in log)
        assert state.customer("tn_demo", customer_id).version == count


# -- do-not-call -----------------------------------------------------------------------------------------------------


def test_whoever_asks_about_a_contact_is_told_that_its_customer_must_not_be_called() -> None:
    spec = customers().given(*KNOWN)
    spec.when(SetDoNotCall("cu_1", do_not_call=True)).then(DoNotCallSet("cu_1", do_not_call=True))
    spec.when(replace(RESOLVE, step_no=2)).then(ContactResolved("cu_1", CT_1, 2, do_not_call=True))
    spec.when(SetDoNotCall("cu_1", do_not_call=False)).then(DoNotCallSet("cu_1", do_not_call=False))
    spec.when(replace(RESOLVE, step_no=2)).then(ContactResolved("cu_1", CT_1, 2))


def test_saying_it_again_changes_nothing() -> None:
    customers().given(*KNOWN).when(SetDoNotCall("cu_1", do_not_call=False)).then()


@pytest.mark.parametrize("customer_id", ["cu_9", "cu_1"])
def test_nothing_is_said_of_an_unknown_or_erased_customer(customer_id: str) -> None:
    spec = customers().given(*KNOWN, CustomerErased("cu_1", (TOKEN_1,)))
    spec.when(SetDoNotCall(customer_id, do_not_call=True)).then_refused(NotFound("customer", customer_id))


def test_looking_for_a_known_customer_makes_none() -> None:
    only_known = replace(RESOLVE, only_known=True)
    customers().when(only_known).then()
    customers().given(*KNOWN).when(replace(only_known, step_no=2)).then(ContactResolved("cu_1", CT_1, 2))
    erased = customers().given(*KNOWN, CustomerErased("cu_1", (TOKEN_1,)))
    erased.when(replace(only_known, step_no=2)).then()
