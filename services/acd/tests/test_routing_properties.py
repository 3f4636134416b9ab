"""What must hold after any history. `invariants.check` asserts the invariants after every single command."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from trunkline_acd.bootstrap import ledger_service
from trunkline_acd.domain import policy
from trunkline_acd.domain.agents import is_signed_in
from trunkline_acd.domain.commands import (
    AcceptOffer,
    BeginCallback,
    CallInAgent,
    ChangeQueue,
    CheckOverflow,
    ClearCallback,
    ClearUnstaffedQueue,
    CloseAgentSession,
    CloseWaitingContact,
    CompleteConsultation,
    ConsultAgent,
    DeclineOffer,
    DropTombstone,
    EndAffinity,
    EndCallIn,
    EndConsultation,
    EndContact,
    EndExclusion,
    EnqueueContact,
    ExpireCallIn,
    ExpireConsultation,
    ExpireOffer,
    ExtendWrapUp,
    FinishWrapUp,
    ForgetDevice,
    HandOutChats,
    LoseGateway,
    LosePeer,
    MergeConsultation,
    OpenAgentSession,
    ParkContact,
    PostponeCallback,
    PullContact,
    PutAgent,
    PutPolicy,
    PutQueue,
    PutWrapUpCode,
    ReachLongestWait,
    RearmAgent,
    RefreshSkills,
    RelaxContact,
    ReportCallbackReached,
    ReportCallbackResult,
    ReportConnected,
    ReportConnectFailed,
    ReportConsultationConnected,
    ReportConsultationFailed,
    ReportDevices,
    RequestCallback,
    RequeueContact,
    ResumeContact,
    SetIntent,
    TakeOverContact,
    TransferContact,
    UnparkContact,
    WithdrawCallback,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    CallbackEnded,
    ConnectFailed,
    ContactConnected,
    ContactEnqueued,
    ContactOffered,
    ContactReleased,
    ExclusionEnded,
    OfferAccepted,
    OfferEnded,
    SegmentEnded,
)
from trunkline_acd.domain.skills import meets
from trunkline_acd.domain.state import AcdState
from trunkline_acd.domain.waiting_reasons import waiting_reasons
from trunkline_acd.domain.words import CallbackOutcome, Intent
from trunkline_core.decider import execute
from trunkline_core.errors import TrunklineError
from trunkline_core.routing import (
    AgentDefinition,
    CallbackMode,
    CallbackPolicy,
    ChannelUse,
    Overflow,
    OverflowMeasure,
    OverflowMode,
    QueueDefinition,
    QueueLimit,
    RelaxationStep,
    RoutingStrategy,
    SkillChoice,
    SkillConjunction,
    SkillLevel,
    SkillOperator,
    SkillRequirement,
    SkillTerm,
    WrapUpMode,
)
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import MusicStep, QueueTreatment
from trunkline_testkit.contracts.snapshots import check_snapshot

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
AGENTS = st.sampled_from(["ag_1", "ag_2", "ag_3"])
CONTACTS = st.sampled_from([f"ct_{number}" for number in range(1, 7)])
QUEUES = st.sampled_from(["qu_sales", "qu_help"])
PEERS = st.sampled_from(["pe_1", "pe_2"])
GATEWAYS = st.sampled_from(["gw_1", "gw_2"])
SESSIONS = st.sampled_from(["se_1", "se_2"])
STEPS = st.integers(1, 12)
NUMBERS = st.integers(1, 3)
INTENTS = st.sampled_from([Intent.AVAILABLE, Intent.BREAK, Intent.OFFLINE])
CHANNELS = st.sampled_from([Channel.VOICE, Channel.CHAT])
BEGINS = st.sampled_from([None, T0 + timedelta(seconds=5), T0 + timedelta(seconds=40)])
ENDS = st.sampled_from([None, T0 + timedelta(seconds=60), T0 + timedelta(seconds=90)])
USES = st.tuples(
    *(
        st.builds(ChannelUse, st.just(channel), st.integers(1, 2), st.integers(0, 2), st.sampled_from([(), (other,)]))
        for channel, other in ((Channel.VOICE, Channel.CHAT), (Channel.CHAT, Channel.VOICE))
    )
)
TABLES = st.one_of(st.just((0, ())), st.tuples(st.integers(2, 4), st.one_of(USES, USES.map(lambda uses: uses[1:]))))
SKILLS = st.lists(
    st.builds(SkillLevel, st.sampled_from("ab"), st.integers(1, 3), BEGINS, ENDS),
    max_size=2,
    unique_by=lambda s: s.skill,
)
TERMS = st.builds(SkillTerm, st.sampled_from("ab"), st.sampled_from(SkillOperator), st.integers(1, 3))
CONJUNCTIONS = st.lists(TERMS, min_size=1, max_size=2).map(tuple).map(SkillConjunction)
EITHER = st.lists(st.lists(CONJUNCTIONS, min_size=1, max_size=2).map(tuple).map(SkillChoice), max_size=1).map(tuple)
NEEDS = st.lists(st.builds(SkillRequirement, st.sampled_from("ab"), st.integers(1, 3)), max_size=1).map(tuple)
CUSTOMERS = st.sampled_from(["", "cu_1"])
PREFERRED = st.sampled_from(["", "", "ag_1", "ag_2", "ag_3", "ag_gone"])
PERMILLE = st.integers(0, 1000)

MIXED = (ChannelUse(Channel.VOICE, 2, 1), ChannelUse(Channel.CHAT, 1, 3))  # a call beside up to two chats
RELAXATION = (
    RelaxationStep(timedelta(seconds=5), (SkillRequirement("a", 1),), ()),
    RelaxationStep(timedelta(seconds=20), (), ("a", "b")),
)
SHORT_WAITS = (timedelta(seconds=6), timedelta(seconds=3))
OVERFLOWS = [
    Overflow("qu_last", *SHORT_WAITS),
    Overflow("qu_last", *SHORT_WAITS, returns=True),
    Overflow("qu_last", *SHORT_WAITS, mode=OverflowMode.SHARE),
    Overflow("qu_last", mode=OverflowMode.SHARE, measure=OverflowMeasure.STAFF, begin_staff=1, end_staff=2),
    Overflow(
        "qu_last",
        mode=OverflowMode.SHARE,
        measure=OverflowMeasure.OCCUPANCY,
        begin_occupancy_permille=1000,
        end_occupancy_permille=500,
    ),
    Overflow("qu_last", measure=OverflowMeasure.STAFF, begin_staff=1, end_staff=2, returns=True),
]
BEARABLE = st.sampled_from([timedelta(seconds=4), timedelta(seconds=30)])
CALLBACK = CallbackPolicy(2, timedelta(seconds=15), 3)
CUSTOMER_FIRST = CallbackPolicy(2, timedelta(seconds=15), 3, CallbackMode.CUSTOMER_FIRST, "ho_1")
LATER = st.sampled_from([None, T0 + timedelta(seconds=40), T0 + timedelta(days=30)])
UNREACHED = st.sampled_from([CallbackOutcome.BUSY, CallbackOutcome.WITHDRAWN, CallbackOutcome.REACHED])
LIMITS = st.one_of(st.none(), st.builds(QueueLimit, BEARABLE, st.sampled_from(["", "qu_last"])))
REDEFINITIONS = st.builds(
    QueueDefinition,
    queue_id=QUEUES,
    name=st.just(LocalizedText("", "")),
    requirements=st.sampled_from([(), (SkillRequirement("b", 1),)]),
    target_wait_duration=st.just(timedelta(seconds=20)),
    value_weight_permille=st.sampled_from([0, 3000]),
    urgency_weight_permille=st.just(0),
    voice_lease_duration=st.just(timedelta(seconds=20)),
    chat_lease_duration=st.just(timedelta(seconds=30)),
    miss_exclusion_duration=st.just(timedelta(seconds=30)),
    max_misses=st.just(2),
    wrap_up_mode=st.just(WrapUpMode.TIMED),
    wrap_up_duration=st.just(timedelta(seconds=30)),
    short_abandon_duration=st.just(timedelta(seconds=5)),
    max_waiting=st.just(3),
    strategy=st.sampled_from(RoutingStrategy),
    relaxation=st.sampled_from([(), RELAXATION]),
    longest_wait=LIMITS,
    unstaffed=LIMITS,
    max_per_customer=st.integers(0, 2),
    overflow=st.sampled_from([None, *OVERFLOWS]),
    affinity_duration=st.sampled_from([timedelta(0), timedelta(seconds=4), timedelta(seconds=30)]),
    vip_min_value_permille=st.just(500),
    vip_reserved_agents=st.integers(0, 2),
    drains_chats=st.booleans(),
    wrap_up_frees_exclusion=st.booleans(),
    callback=st.sampled_from([None, CALLBACK, CUSTOMER_FIRST]),
    estimates_waits=st.booleans(),
    chat_parking_duration=st.sampled_from([timedelta(0), timedelta(minutes=10)]),
    treatment=st.sampled_from([None, QueueTreatment((MusicStep("waiting", timedelta(seconds=30)),), 1)]),
)

COMMANDS = st.one_of(
    st.builds(PutQueue, REDEFINITIONS),
    st.builds(PutPolicy, NUMBERS, st.lists(REDEFINITIONS, min_size=1, max_size=2).map(tuple)),
    st.builds(
        EnqueueContact, CONTACTS, STEPS, QUEUES, CHANNELS, PERMILLE, PERMILLE, NEEDS, CUSTOMERS, EITHER, PREFERRED
    ),
    st.builds(EndContact, CONTACTS, STEPS, st.sampled_from(["customer_left", "agent_ended", "system"])),
    st.builds(AcceptOffer, AGENTS, CONTACTS, NUMBERS),
    st.builds(DeclineOffer, AGENTS, CONTACTS, NUMBERS),
    st.builds(TransferContact, CONTACTS, STEPS, st.just(1), AGENTS, QUEUES, PREFERRED, st.booleans()),
    st.builds(ChangeQueue, CONTACTS, STEPS, st.just(1), QUEUES),
    st.builds(ParkContact, CONTACTS, STEPS, st.just(1), AGENTS),
    st.builds(ResumeContact, CONTACTS, STEPS, st.just(1), AGENTS),
    st.builds(UnparkContact, AGENTS, CONTACTS),
    st.builds(ConsultAgent, CONTACTS, STEPS, st.just(1), AGENTS, AGENTS),
    st.builds(ReportConsultationConnected, CONTACTS, STEPS, st.just(1), NUMBERS),
    st.builds(ReportConsultationFailed, CONTACTS, STEPS, st.just(1), NUMBERS, st.sampled_from(["busy", "unreachable"])),
    st.builds(MergeConsultation, CONTACTS, STEPS, st.just(1), AGENTS),
    st.builds(CompleteConsultation, CONTACTS, STEPS, st.just(1), AGENTS),
    st.builds(EndConsultation, CONTACTS, STEPS, st.just(1), AGENTS),
    st.builds(ExpireConsultation, CONTACTS, NUMBERS),
    st.builds(TakeOverContact, CONTACTS, STEPS, st.just(1), AGENTS, AGENTS, st.just("us_1"), st.just("other")),
    st.builds(PullContact, CONTACTS, AGENTS, st.just("other")),
    st.builds(RequeueContact, CONTACTS, st.one_of(st.just(""), QUEUES), st.just("other")),
    st.builds(CloseWaitingContact, CONTACTS, st.just("other")),
    st.builds(ReportConnected, CONTACTS, STEPS, st.just(1), NUMBERS),
    st.builds(ReportConnectFailed, CONTACTS, STEPS, st.just(1), NUMBERS, st.sampled_from(["busy", "unreachable"])),
    st.builds(FinishWrapUp, AGENTS, CONTACTS, st.sampled_from(["", "done", "unknown"])),
    st.builds(PutWrapUpCode, st.sampled_from(["done", "later"])),
    st.builds(SetIntent, AGENTS, INTENTS, st.just(""), st.booleans(), st.sampled_from(["", "other"])),
    st.builds(ExtendWrapUp, AGENTS, CONTACTS),
    st.builds(RefreshSkills, AGENTS),
    st.builds(CheckOverflow, QUEUES),
    st.builds(EndAffinity, CONTACTS),
    st.builds(RearmAgent, AGENTS),
    st.builds(OpenAgentSession, AGENTS, PEERS, SESSIONS),
    st.builds(CloseAgentSession, AGENTS, SESSIONS),
    st.builds(LosePeer, PEERS),
    st.builds(ReportDevices, GATEWAYS, AGENTS.map(lambda agent_id: (agent_id,))),
    st.builds(ReportDevices, GATEWAYS, st.just(()), AGENTS.map(lambda agent_id: (agent_id,))),
    st.builds(LoseGateway, GATEWAYS),
    st.builds(ForgetDevice, AGENTS, st.just("other")),
    st.builds(CallInAgent, AGENTS, st.just("other")),
    st.builds(EndCallIn, AGENTS, st.sampled_from(["", "other"])),
    st.builds(ExpireCallIn, AGENTS),
    st.builds(
        lambda agent_id, skills, chats, table: PutAgent(AgentDefinition(agent_id, skills, chats, *table)),
        AGENTS,
        SKILLS.map(tuple),
        st.integers(1, 3),
        TABLES,
    ),
    st.builds(HandOutChats, st.just("rd_demo")),
    st.builds(ExpireOffer, CONTACTS, NUMBERS),
    st.builds(EndExclusion, CONTACTS, AGENTS),
    st.builds(DropTombstone, CONTACTS),
    st.builds(RelaxContact, CONTACTS, st.integers(0, 2)),
    st.builds(ReachLongestWait, CONTACTS, st.integers(1, 2)),
    st.builds(ClearUnstaffedQueue, QUEUES),
    st.builds(RequestCallback, CONTACTS, STEPS, CUSTOMERS, BEGINS),
    st.builds(ReportCallbackResult, CONTACTS, STEPS, NUMBERS, NUMBERS, UNREACHED),
    st.builds(ClearCallback, CONTACTS, STEPS, NUMBERS, NUMBERS, CUSTOMERS),
    st.builds(PostponeCallback, CONTACTS, STEPS, NUMBERS, NUMBERS, st.just("closed"), LATER),
    st.builds(ReportCallbackReached, CONTACTS, STEPS, NUMBERS, NUMBERS),
    st.builds(WithdrawCallback, CONTACTS, st.just("customer")),
    st.builds(BeginCallback, CONTACTS),
)
PAUSES = st.sampled_from([0.5, 3.0, 6.0, 21.0, 31.0])
WILD = st.lists(st.one_of(COMMANDS, PAUSES), max_size=60)
CHOICES = st.lists(st.integers(0, 10_000), min_size=10, max_size=120)


def prepared(new_routing: Any, *choices: int, strategy: RoutingStrategy | None = None) -> Any:
    drawn, other_strategy = (RoutingStrategy(sum(choices[start::2]) % len(RoutingStrategy)) for start in (0, 1))
    strategy = strategy or drawn
    routing = new_routing()
    routing.queue("qu_last", longest_wait=QueueLimit(timedelta(seconds=60), ""))
    routing.queue(
        "qu_help",
        max_misses=1,
        strategy=other_strategy,
        relaxation=RELAXATION,
        longest_wait=QueueLimit(timedelta(seconds=20), "qu_last"),
        unstaffed=QueueLimit(timedelta(seconds=8), "qu_last"),
        drains_chats=True,
        target_wait_duration=timedelta(seconds=5),
        chat_parking_duration=timedelta(minutes=10),
    )
    routing.queue(
        wrap_up_mode=WrapUpMode.TIMED,
        wrap_up_extension_duration=timedelta(seconds=5),
        max_wrap_up_extensions=1,
        strategy=strategy,
        longest_wait=QueueLimit(timedelta(seconds=40), "qu_help"),
        overflow=OVERFLOWS[sum(choices) % len(OVERFLOWS)],
        requirements=(SkillRequirement("b", 1),) if sum(choices) % 4 == 3 else (),
        affinity_duration=timedelta(seconds=8),
        vip_min_value_permille=500,
        vip_reserved_agents=sum(choices) % 3,
        wrap_up_frees_exclusion=sum(choices) % 2 == 1,
        callback=(CALLBACK, CUSTOMER_FIRST)[sum(choices[::3]) % 2],
        estimates_waits=True,
        chat_parking_duration=timedelta(minutes=10),
    )
    routing.code("done")
    routing.agent("ag_1", chats=2)
    routing.agent("ag_2", ("a", 2), chats=3, units=sum(choices) % 3 and 4, channels=MIXED if sum(choices) % 3 else ())
    routing.agent("ag_3", ("a", 3), ("b", 1), ready=False)
    return routing


def fingerprint(state: AcdState) -> Any:
    """Return all rows, indexes and timers as values."""
    domains = []
    for domain in state.domains():
        tables = [domain.queues, domain.agents, domain.contacts, domain.tombstones, domain.followed]
        rows = [sorted(map(repr, table.values())) for table in tables]
        shelves = [
            domain.lines,
            domain.ringing_lines,
            domain.held,
            domain.calls,
            domain.ages,
            domain.callbacks,
            domain.pools,
            domain.other_pools,
            domain.peers,
            domain.followed_lines,
            domain.helping,
            domain.away,
            domain.loosening,
            domain.devices,
        ]
        entries = [sorted((repr(key), list(shelf.entries(key))) for key in shelf) for shelf in shelves]
        domains.append((domain.tenant, rows, entries, [t.contact_id for t in domain.oldest_tombstones()]))
        domains.append(sorted(domain.wait_histories.items()))
        domains.append(sorted(domain.loads.items()))
        domains.append(sorted(code for code in ("done", "later") if code in domain.wrap_up_codes))
    return domains, sorted(map(repr, state.timers.values())), state.timers.next_due(), state.tombstone_count()


def attempt(routing: Any, command: Any) -> None:
    """Carry out a command twice, taking it back in between: the state is as before, the events are the same."""
    before = fingerprint(routing.state)
    first = outcome(routing, command)
    routing.state.journal.rollback()
    assert fingerprint(routing.state) == before
    second = outcome(routing, command)
    if isinstance(second, list):
        routing.log += [(event, routing.context(actor_of(command))) for event in second]
    routing.state.journal.commit()
    assert second == first
    routing.check()


def actor_of(command: Any) -> str:
    if not isinstance(command, (SetIntent, EndCallIn)):
        return "system"
    return "supervisor:us_1" if command.reason else f"agent:{command.agent_id}"


def outcome(routing: Any, command: Any) -> Any:
    try:
        return execute(routing.decider, routing.state, command, routing.context(actor_of(command)))
    except TrunklineError as refusal:
        return repr(refusal)


@settings(max_examples=60, deadline=None)
@given(WILD)
def test_any_commands_keep_every_invariant_and_can_be_taken_back(new_routing, steps):
    routing = prepared(new_routing)
    for step in steps:
        if isinstance(step, float):
            routing.wait(step)
        else:
            attempt(routing, step)


@settings(max_examples=60, deadline=None)
@given(CHOICES)
@example([4, 0, 4, 0, 0, 4, 10, 0, 0, 721, 0, 220, 0, 0, 0, 129, 0])  # a desk that stays away releases its contact
def test_any_day_keeps_every_invariant(new_routing, choices):
    routing = prepared(new_routing, *choices)
    live_through(routing, choices)
    replayed = AcdState()
    for event, context in routing.log:
        routing.decider.evolve(replayed, event, context)
    assert fingerprint(replayed) == fingerprint(routing.state), "another replica folds to the same state"


@settings(max_examples=60, deadline=None)
@given(CHOICES)
def test_any_day_of_a_ring_all_queue_keeps_every_invariant(new_routing, choices):
    """Rules 3 and 9, with bounds so low that they are met: places given up, and freed agents served by handouts."""
    with patch.multiple(policy, MAX_RINGING=2 + len(choices) % 2, OFFERS_TO_FREED=1, OFFERS_PER_HANDOUT=1):
        routing = prepared(new_routing, *choices, strategy=RoutingStrategy.RING_ALL)
        routing.agent("ag_3", ("a", 3), ("b", 1))
        routing.agent("ag_4", ("a", 2), ("b", 2), chats=2)
        for number in range(4):  # the first rings at several, the others wait: whoever is outpaced finds work
            routing.enqueue(f"ct_first_{number}", value=900)
        live_through(routing, choices)
        replayed = AcdState()
        for event, context in routing.log:
            routing.decider.evolve(replayed, event, context)
        assert fingerprint(replayed) == fingerprint(routing.state)


@settings(max_examples=60, deadline=None)
@given(CHOICES, st.lists(st.integers(0, 600), max_size=4))
def test_segments_are_conserved_in_every_queue_and_interval_and_by_arrival(new_routing, choices, cuts):
    """W_begin + E = A + B + Bs + F + C + L + X + W_end, and E = … + W_now (docs/metrics.md); W is counted as a set.

    The same holds for call-backs, which are segments of their own kind.
    """
    routing = prepared(new_routing, *choices)
    live_through(routing, choices)
    borders = [routing.at(cut) for cut in sorted(cuts)]
    entered, ended, waiting = Counter(), Counter(), {}
    at_borders = []
    for event, context in routing.log:
        while borders and context.now >= borders[0]:
            at_borders.append((borders.pop(0), Counter(waiting.values()), entered.copy(), ended.copy()))
        if isinstance(event, ContactEnqueued):
            assert (event.contact_id, event.segment_no) not in waiting
            kind = (event.queue_id, event.callback)
            waiting[event.contact_id, event.segment_no] = kind
            entered[kind] += 1
        elif isinstance(event, (ContactConnected, SegmentEnded, CallbackEnded)):
            kind = waiting.pop((event.contact_id, event.segment_no))
            assert kind[0] == event.queue_id
            assert isinstance(event, ContactConnected) or kind[1] is isinstance(event, CallbackEnded)
            ended[kind] += 1
    at_borders.append((routing.now, Counter(waiting.values()), entered, ended))
    before = (Counter(), Counter(), Counter())
    for _, *figures in at_borders:
        for kind in product(("qu_sales", "qu_help", "qu_last"), (False, True)):
            (w_begin, e_begin, o_begin), (w_end, e_end, o_end) = (
                [figure[kind] for figure in row] for row in (before, figures)
            )
            assert w_begin + e_end - e_begin == o_end - o_begin + w_end
            assert e_end == o_end + w_end
        before = tuple(figures)
    for queue in routing.domain.queues.values():
        assert queue.entered_total == entered[queue.queue_id, False]
        assert queue.waiting + queue.ringing == before[0][queue.queue_id, False]
        assert queue.callbacks_opened_total == entered[queue.queue_id, True]
        assert queue.callbacks_open == before[0][queue.queue_id, True]


@settings(max_examples=60, deadline=None)
@given(CHOICES, st.integers(1, 400))
def test_a_replica_that_begins_from_a_snapshot_comes_to_the_very_same_state(new_routing, choices, cut):
    """Ledger rule 16."""
    routing = prepared(new_routing, *choices)
    live_through(routing, choices)
    check_snapshot(ledger_service(), routing.log, cut)


@settings(max_examples=50, deadline=None)
@given(CHOICES)
def test_everything_booked_is_given_back_once_all_contacts_end(new_routing, choices):
    routing = prepared(new_routing, *choices)
    live_through(routing, choices)
    for contact_id in [contact.contact_id for contact in routing.domain.contacts.values()]:
        routing.end(contact_id, "system", step=1000)
    routing.wait(60)
    assert all(not agent.work for agent in routing.domain.agents.values())
    routing.wait(25 * 3600)
    assert len(routing.state.timers) == 0


@settings(max_examples=60, deadline=None)
@given(CHOICES)
def test_whoever_waits_has_a_reason_for_each_agent_who_could_take_it(new_routing, choices):
    """Rule 21: nobody idles while a contact waits, so something keeps each of those with the skills from it."""
    routing = prepared(new_routing, *choices)
    live_through(routing, choices)
    for contact in routing.domain.contacts.values():
        if contact.stage is Stage.WAITING:
            reasons = waiting_reasons(routing.state, routing.domain.tenant, contact, routing.now)
            assert all(obstacle.reason for obstacle in reasons.obstacles)
            assert sum(obstacle.agent_count for obstacle in reasons.obstacles) == reasons.matching_count
            waiting = sum(other.stage is Stage.WAITING for other in routing.domain.contacts.values())
            assert 0 <= reasons.before_count < waiting  # call-backs, which no queue counts, too


@settings(max_examples=100, deadline=None)
@given(CHOICES, st.integers(1, 400))
def test_any_day_of_consultations_keeps_one_agent_and_books_each_colleague_once(new_routing, choices, cut):
    """Rule 19: `invariants.check` after each command, then another replica, a snapshot, and all units given back."""
    routing = prepared(new_routing, *choices)
    routing.agent("ag_3")
    ask_around(routing, choices)
    replayed = AcdState()
    for event, context in routing.log:
        routing.decider.evolve(replayed, event, context)
    assert fingerprint(replayed) == fingerprint(routing.state)
    check_snapshot(ledger_service(), routing.log, cut)
    for contact_id in [contact.contact_id for contact in routing.domain.contacts.values()]:
        routing.end(contact_id, "system", step=1000)
    routing.wait(60)
    assert all(not agent.work for agent in routing.domain.agents.values())


def ask_around(routing: Any, choices: list[int]) -> None:
    """Have a contact with an agent most of the time, and do what agents, colleagues and the customer may do then."""
    for step, choice in enumerate(choices, start=1):
        talks = [contact for contact in routing.domain.contacts.values() if contact.stage is Stage.CONNECTED]
        if not talks:
            reach_someone(routing, step)
            continue
        possible = [deed for contact in talks for deed in contact_deeds(contact, step)]
        possible += [deed for contact in talks for deed in consultation_deeds(contact, step)] * 3
        possible += [
            *agent_deeds(routing.domain.agent(f"ag_{choice % 3 + 1}"), step)[:1],
            *back(routing, step),
            *[None] * 6,
        ]
        possible += [CloseAgentSession(agent.agent_id, agent.session_id) for agent in routing.domain.agents.values()]
        command = possible[choice % len(possible)]
        if command is None:
            routing.wait((0.5, 3.0, 6.0, 21.0, 31.0)[choice % 5])
        else:
            attempt(routing, command)


def reach_someone(routing: Any, step: int) -> None:
    """A call or a chat comes in and somebody takes it, if anybody is there."""
    queue_id, channel = (("qu_sales", Channel.VOICE), ("qu_help", Channel.CHAT))[step % 2]
    attempt(routing, EnqueueContact(f"ct_{step}", step, queue_id, channel, 0, 0, ()))
    routing.wait(0.5)
    for contact in [each for each in routing.domain.contacts.values() if each.stage is Stage.OFFERED]:
        routing.accept(contact.contact_id)
        routing.connected(contact.contact_id, step=step + 1)
    for command in back(routing, step):
        attempt(routing, command)


def back(routing: Any, step: int) -> list[Any]:
    """Return what brings agents back who are away."""
    gone = [agent for agent in routing.domain.agents.values() if agent.connectivity.name != "CONNECTED"]
    away = [agent for agent in routing.domain.agents.values() if agent.intent is not Intent.AVAILABLE]
    return [
        *(OpenAgentSession(agent.agent_id, "pe_1", f"se_{step}") for agent in gone),
        *(SetIntent(agent.agent_id, Intent.AVAILABLE, "") for agent in away),
    ]


def live_through(routing: Any, choices: list[int]) -> None:
    """Do at each step one of the things that somebody could do at that moment."""
    for step, choice in enumerate(choices, start=1):
        possible = [*arrivals(step), *deeds(routing, step), None, None]
        command = possible[choice % len(possible)]
        if command is None:
            routing.wait((0.5, 3.0, 6.0, 21.0, 31.0)[choice % 5])
            continue
        if isinstance(command, AcceptOffer) and choice % 5 == 0:
            routing.now += timedelta(seconds=40)  # no timer of that time fires before the answer comes
        attempt(routing, command)
    check_no_late_accept(routing.log)


def check_no_late_accept(log: list[Any]) -> None:
    """Rule 3: no new owner extends a lease here."""
    leases: dict[tuple[str, int], datetime] = {}
    for event, context in log:
        if isinstance(event, ContactOffered):
            leases[event.contact_id, event.offer_no] = event.expires_time
        elif isinstance(event, OfferAccepted):
            assert context.now < leases[event.contact_id, event.offer_no]


def arrivals(step: int) -> list[Any]:
    needs = ((), (SkillRequirement("a", 2),), (SkillRequirement("a", 3), SkillRequirement("b", 1)))[step % 3]
    preferred = ("", "ag_1", "ag_2", "ag_3")[step % 4]
    return [
        EnqueueContact(f"ct_{step}", step, queue_id, channel, 700 * (step % 2), 0, needs, preferred_agent_id=preferred)
        for queue_id in ("qu_sales", "qu_help")
        for channel in (Channel.VOICE, Channel.CHAT)
    ]


def deeds(routing: Any, step: int) -> list[Any]:
    """Return what agents and customers could do now."""
    found: list[Any] = []
    for contact in routing.domain.contacts.values():
        found += contact_deeds(contact, step)
    for agent in routing.domain.agents.values():
        found += agent_deeds(agent, step)
    return found


def contact_deeds(contact: Any, step: int) -> list[Any]:
    offers = [(offer.agent_id, contact.contact_id, offer.offer_no) for offer in contact.live_offers]
    joined = (contact.contact_id, step, contact.segment_no, contact.offer_no)
    on = (contact.contact_id, step, contact.segment_no, contact.agent_id)
    end = EndContact(contact.contact_id, step, ("customer_left", "system")[step % 2])
    close = CloseWaitingContact(contact.contact_id, "other") if step % 5 == 0 else end
    later = contact.entered_time + timedelta(seconds=40) if step % 2 else None
    call_back = RequestCallback(contact.contact_id, step, f"cu_{step % 3}", later)
    unreached = (CallbackOutcome.BUSY, CallbackOutcome.NO_ANSWER, CallbackOutcome.WITHDRAWN)[step % 3]
    rests = contact.entered_time + timedelta(seconds=(20, 60, 700_000)[step % 3])
    reached = [ReportCallbackReached(*joined)] if contact.callback else []
    clear = [ClearCallback(*joined, f"cu_{step % 3}"), PostponeCallback(*joined, "closed", rests)]
    dialled = [ReportCallbackResult(*joined, unreached), *clear, *reached, *reached] if contact.callback else []
    withdraw = [WithdrawCallback(contact.contact_id, "")] if contact.callback else []
    pulls = [PullContact(contact.contact_id, f"ag_{number}", "other") for number in (1, 2)]
    requeues = [RequeueContact(contact.contact_id, queue_id, "other") for queue_id in ("", "qu_help")]
    consulting = consultation_deeds(contact, step) if contact.stage is Stage.CONNECTED else []
    place = (contact.contact_id, step, contact.segment_no)
    changes = [ChangeQueue(*place, queue_id) for queue_id in ("qu_sales", "qu_help")]
    return {
        "WAITING": [close, call_back, *withdraw, *reached, *pulls, *requeues, *changes],
        "SCHEDULED": [end, *withdraw, *reached],
        "OFFERED": [
            *(deed(*offer) for offer in offers for deed in (AcceptOffer, AcceptOffer, DeclineOffer)),
            close,
            *pulls,
            *requeues,
            *changes,
            *(RequeueContact(contact.contact_id, "", "other", agent_id) for agent_id, _, _ in offers),
        ],
        "CONNECTING": [
            ReportConnected(*joined),
            ReportConnected(*joined),
            ReportConnectFailed(*joined, "busy"),
            ReportConnectFailed(*joined, "unreachable"),
            *dialled,
            *withdraw,
            end,
        ],
        "CONNECTED": [
            end,
            TransferContact(*on, "qu_help"),
            TransferContact(*on, "qu_sales", "ag_2"),
            TransferContact(*on, "qu_sales", "ag_1", True),
            ParkContact(*on),
            ParkContact(*on),
            ResumeContact(*on),
            ResumeContact(*on),
            UnparkContact(contact.agent_id, contact.contact_id),
            *(TakeOverContact(*on, f"ag_{number}", "us_1", "other") for number in (1, 2, 3)),
            *consulting,
        ],
        "ENDED": [end],
    }[contact.stage.name]


def consultation_deeds(contact: Any, step: int) -> list[Any]:
    """Return what the agent who has a contact, a colleague who is asked about it and a gateway could do now."""
    on = (contact.contact_id, step, contact.segment_no)
    asked = contact.consultation
    if asked is None:
        return [ConsultAgent(*on, contact.agent_id, f"ag_{number}") for number in (1, 2, 3)]
    offer = (asked.agent_id, contact.contact_id, asked.offer_no)
    leave = [EndConsultation(*on, agent_id) for agent_id in (contact.agent_id, asked.agent_id)]
    complete, merge = (kind(*on, contact.agent_id) for kind in (CompleteConsultation, MergeConsultation))
    return {
        "OFFERED": [AcceptOffer(*offer), AcceptOffer(*offer), AcceptOffer(*offer), DeclineOffer(*offer), *leave],
        "CONNECTING": [
            ReportConsultationConnected(*on, asked.offer_no),
            ReportConsultationConnected(*on, asked.offer_no),
            ReportConsultationFailed(*on, asked.offer_no, ("busy", "unreachable")[step % 2]),
            *leave,
        ],
        "TALKING": [merge, merge, complete, *leave],
        "CONFERENCE": [complete, merge, *leave],
    }[asked.stage.name]


def agent_deeds(agent: Any, step: int) -> list[Any]:
    wrap_ups = [work.contact_id for work in agent.work if work.state.name == "WRAP_UP"]
    return [
        *(FinishWrapUp(agent.agent_id, contact_id, "done") for contact_id in wrap_ups),
        SetIntent(agent.agent_id, (Intent.BREAK, Intent.AVAILABLE)[step % 2], "", when_free=step % 3 == 0),
        SetIntent(agent.agent_id, (Intent.AVAILABLE, Intent.BREAK, Intent.OFFLINE)[step % 3], "", reason="other"),
        *(ExtendWrapUp(agent.agent_id, contact_id) for contact_id in wrap_ups if step % 2),
        (CloseAgentSession(agent.agent_id, agent.session_id), OpenAgentSession(agent.agent_id, "pe_2", f"se_{step}"))[
            step % 2
        ],
        call_in_deed(agent, step),
        device_deed(agent, step),
    ]


def call_in_deed(agent: Any, step: int) -> Any:
    """Who is signed out is called in, and that is read or taken back; who is there is re-armed."""
    if agent.called_in:
        return EndCallIn(agent.agent_id, ("", "other")[step % 2])
    return RearmAgent(agent.agent_id) if is_signed_in(agent) else CallInAgent(agent.agent_id, "other")


def device_deed(agent: Any, step: int) -> Any:
    """A telephone comes, goes at one gateway, or goes with all others there."""
    if step % 7 == 0:
        return ForgetDevice(agent.agent_id, "other")
    if not agent.registered_at:
        return ReportDevices(f"gw_{step % 2 + 1}", (agent.agent_id,))
    gateway = agent.registered_at[0]
    return LoseGateway(gateway) if step % 3 == 0 else ReportDevices(gateway, (), (agent.agent_id,))


ARRIVALS = st.lists(st.tuples(st.integers(0, 9000), QUEUES, PERMILLE, PERMILLE), min_size=1, max_size=25)


@settings(max_examples=100, deadline=None)
@given(ARRIVALS, st.integers(1, 40_000), st.integers(1, 40_000))
def test_free_agent_always_gets_the_contact_with_the_highest_score(new_routing, arrivals, target_ms, other_ms):
    routing = new_routing()
    targets = {"qu_sales": target_ms, "qu_help": other_ms}
    for queue_id, target in targets.items():
        routing.queue(
            queue_id,
            voice_lease_duration=timedelta(hours=1),
            target_wait_duration=timedelta(milliseconds=target),
            value_weight_permille=3000,
        )
    routing.agent("ag_1")
    routing.enqueue("ct_first")
    waiting = {}
    for number, (pause_ms, queue_id, value, urgency) in enumerate(arrivals):
        routing.wait(pause_ms / 1000)
        routing.enqueue(f"ct_{number:02}", queue_id, value=value, urgency=urgency)
        head_start = 3000 * value // 1000 + 1000 * urgency // 1000
        waiting[f"ct_{number:02}"] = (head_start, routing.now, targets[queue_id], number)
    free_by = "ct_first"
    while waiting:
        routing.connect(free_by)
        routing.wait(0.7)
        best = min(waiting, key=lambda name: (-exact_score(routing, *waiting[name][:3]), waiting[name][3]))
        routing.end(free_by)
        assert routing.domain.contact(best).agent_id == "ag_1"
        del waiting[best]
        free_by = best


def exact_score(routing: Any, head_start: int, entered: Any, target_ms: int) -> Fraction:
    return head_start + Fraction((routing.now - entered) // timedelta(milliseconds=1) * 1000, target_ms)


TARGETS = {"qu_sales": 20, "qu_help": 20, "qu_last": 7}
SKILL_SETS = ((), (SkillRequirement("a", 1),), (SkillRequirement("b", 1),))
SCENES = st.tuples(st.integers(0, 9), st.integers(0, 5000), PERMILLE, PERMILLE)
"""What happens, which one or for how long, value and urgency."""


@settings(max_examples=60, deadline=None)
@given(st.lists(SCENES, min_size=30, max_size=90))
def test_nobody_is_overtaken_by_more_than_the_head_start_within_a_target_class(new_routing, scenes):
    """Rule 8's bound itself, whoever becomes free and misses what: one who waits lets pass no later one than that."""
    routing = new_routing()
    for queue_id, target in TARGETS.items():
        weight = 3000 if queue_id == "qu_sales" else 500
        routing.queue(
            queue_id, target_wait_duration=timedelta(seconds=target), value_weight_permille=weight, max_misses=100
        )
    for number, skills in enumerate(((("a", 1),), (("a", 1), ("b", 1)), (("b", 1),), ())):
        routing.agent(f"ag_{number}", *skills, chats=2)
    for number, scene in enumerate(scenes):
        play(routing, number, *scene)
    waiting = Overtaking(routing)
    for event, context in routing.log:
        waiting.follow(event, context.now)


def play(routing: Any, number: int, kind: int, pick: int, value: int, urgency: int) -> None:
    """Somebody comes, an agent takes what rings, a conversation ends, or time passes."""
    contacts = list(routing.domain.contacts.values())
    ringing = [contact.contact_id for contact in contacts if contact.stage is Stage.OFFERED]
    talking = [contact.contact_id for contact in contacts if contact.stage is Stage.CONNECTED]
    if kind < 5:
        needs = [(need.skill, need.min_level) for need in SKILL_SETS[pick % 3]]
        queue_id, channel = list(TARGETS)[pick // 3 % 3], (Channel.VOICE, Channel.CHAT)[pick % 2]
        routing.enqueue(f"ct_{number}", queue_id, *needs, channel=channel, value=value, urgency=urgency)
    elif kind < 7 and ringing:
        routing.connect(ringing[pick % len(ringing)])
    elif kind < 9 and talking:
        routing.end(talking[pick % len(talking)])
    else:
        routing.wait(pick / 1000 * (kind - 4))


class Overtaking:
    """Who waits, and whom each agent could have taken instead, by the events alone."""

    def __init__(self, routing: Any) -> None:
        self._queues = {queue.queue_id: queue.definition for queue in routing.domain.queues.values()}
        self._agents = {agent.agent_id: agent for agent in routing.domain.agents.values()}
        self._entries: dict[str, tuple[ContactEnqueued, datetime]] = {}
        self._waiting: set[str] = set()
        self._work: dict[str, dict[str, Channel]] = {agent_id: {} for agent_id in self._agents}
        self._excluded: set[tuple[str, str]] = set()

    def follow(self, event: Any, now: datetime) -> None:
        match event:
            case ContactEnqueued():
                self._entries[event.contact_id] = event, now
                self._waiting.add(event.contact_id)
            case ContactOffered():
                self._waiting.remove(event.contact_id)
                for contact_id in self._waiting:
                    if self._could_take(event.agent_id, contact_id):
                        self._check(event.contact_id, contact_id)
                self._work[event.agent_id][event.contact_id] = event.channel
            case OfferEnded() | ConnectFailed():
                del self._work[event.agent_id][event.contact_id]
                self._waiting.add(event.contact_id)
                self._excluded.add((event.contact_id, event.agent_id))
            case ExclusionEnded():
                self._excluded.discard((event.contact_id, event.agent_id))
            case ContactReleased():
                del self._work[event.agent_id][event.contact_id]

    def _could_take(self, agent_id: str, contact_id: str) -> bool:
        entered, _ = self._entries[contact_id]
        channels = list(self._work[agent_id].values())
        has_room = Channel.VOICE not in channels and len(channels) < (2 if entered.channel is Channel.CHAT else 1)
        is_excluded = (contact_id, agent_id) in self._excluded
        return has_room and not is_excluded and meets(self._agents[agent_id].profile, entered.requirements)

    def _check(self, offered_id: str, waiting_id: str) -> None:
        (offered, later), (waiting, earlier) = self._entries[offered_id], self._entries[waiting_id]
        target = self._queues[offered.queue_id].target_wait_duration
        if self._queues[waiting.queue_id].target_wait_duration == target:
            lead = self._head_start(offered) - self._head_start(waiting)
            assert later - earlier <= lead * target / 1000

    def _head_start(self, entered: ContactEnqueued) -> int:
        queue = self._queues[entered.queue_id]
        value = queue.value_weight_permille * entered.value_permille // 1000
        return value + queue.urgency_weight_permille * entered.urgency_permille // 1000
