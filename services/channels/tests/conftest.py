"""A partition of contacts to play with: commands in, events out, every invariant checked after every command."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from trunkline.contact.v1.contact_service_pb2 import SessionResponse
from trunkline.contact.v1.contact_types_pb2 import ContactView
from trunkline_channels.adapters.chat_frames import view_of
from trunkline_channels.adapters.views import contact_view
from trunkline_channels.domain import events, timing
from trunkline_channels.domain.commands import (
    Command,
    OpenContact,
    PutEntryPoint,
    RecordAccepted,
    RecordConnected,
    RecordCustomer,
    RecordEnqueued,
    RecordForgotten,
    RecordOffered,
    RecordPersonRequested,
    RecordPrompt,
)
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.decider import ChannelsDecider
from trunkline_channels.domain.events import ContactClosed, Event, StepBegun
from trunkline_channels.domain.legs import LegMode, LegRole, legs_of
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Channel, ContactState, EntryPointDefinition, MonitoringMode
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.flows import MenuOption
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
TENANT = "tn_demo"
TOKEN = "0123456789abcdef0123456789abcdef"
CONTACT = f"ct_{TOKEN[:16]}_one"
MENU = (
    MenuOption("sales", LocalizedText("销售", "Sales"), "1", ("buy",), "n2"),
    MenuOption("person", LocalizedText("人工", "A person"), "0", ("agent",), "n3"),
)


class Opening:
    """Opens what a test sealed: the text stands in clear in it."""

    async def open(self, text: Sealed, tenant: str) -> str | None:
        return text.ciphertext.decode()


class Story:
    """One partition; `one` is the contact that the shortcuts drive."""

    one = CONTACT
    sealed = Sealed("ky_1", b"n" * 12, b"c" * 32)
    menu = MENU
    sealer = Opening()

    def __init__(self) -> None:
        self.state = ChannelsState()
        self.fold = ChannelsState()
        self.decider = ChannelsDecider()
        self.now = T0
        self.past: list[Event] = []
        self.log: list[tuple[Event, Context]] = []
        self._commands = 0
        self._highest: dict[str, tuple[int, int]] = {}
        for entry_point_id, channel in (("ep_chat", Channel.CHAT), ("ep_voice", Channel.VOICE)):
            self.do(PutEntryPoint(EntryPointDefinition(entry_point_id, entry_point_id, channel, "fl_menu")))

    @property
    def contact(self) -> Contact:
        """The contact's row."""
        row = self.state.contacts.get(CONTACT)
        assert row is not None
        return row

    def do(self, command: Command, actor: str = "system", tenant: str = TENANT) -> list[Event]:
        """Decide, evolve, fold, and check every invariant."""
        self._commands += 1
        context = Context(self.now, tenant, actor, f"c{self._commands}")
        happened: list[Event] = execute(self.decider, self.state, command, context)
        self.state.journal.commit()
        for event in happened:
            self.decider.evolve(self.fold, event, context)
        self.fold.journal.commit()
        self.past += happened
        self.log += [(event, context) for event in happened]
        self._check()
        return happened

    def refusal(self, command: Command, actor: str = "system", tenant: str = TENANT) -> str:
        """Return how the command is refused: type and words."""
        before = [*self.state.contacts.values()]
        with pytest.raises(TrunklineError) as refused:
            self.do(command, actor, tenant)
        assert [*self.state.contacts.values()] == before, "a refusal changes nothing"
        return f"{type(refused.value).__name__}: {refused.value}"

    def pass_time(self, elapsed: timedelta) -> list[Event]:
        """Let log time pass and fire what falls due."""
        self.now += elapsed
        happened: list[Event] = []
        for timer in self.state.timers.due(self.now):
            pending = self.state.timers.get(timer.key)
            if pending is timer:
                happened += self.do(timer.command, tenant=timer.tenant)
                assert self.state.timers.get(timer.key) is not timer, "a timer that fired is gone or set anew"
        return happened

    def seen(self, *, for_agents: bool) -> ContactView:
        """Return the whole view, as whoever is on that side gets it."""
        contact = self.contact
        whole = contact_view(contact, self.sealer, 0, len(contact.messages), for_agents=for_agents)  # type: ignore[arg-type]
        try:
            whole.send(None)
        except StopIteration as done:  # nothing in it waits, and a loop for each would cost more than the rest
            view: ContactView = done.value
            return view
        raise AssertionError("opening a text waits for nothing here")

    def shown_to_customer(self) -> dict[str, Any]:
        """Return all that the chat page is sent, but for the number of the state; from either side's view the same."""
        frames = [view_of(SessionResponse(contact=self.seen(for_agents=side))) for side in (False, True)]
        contents = [frame.content | {"version": 0, "messages": frame.messages} for frame in frames if frame is not None]
        assert contents[0] == contents[1]
        return contents[0]

    # -- shortcuts along the way of one contact ----------------------------------------------------

    def opening(self, entry_point_id: str = "ep_chat", **changes: Any) -> OpenContact:
        """Return the command that opens the contact."""
        command = OpenContact(entry_point_id, TOKEN, self.sealed, {"plan": "gold"}, "en", "chat:a", CONTACT)
        return replace(command, **changes)

    def opened(self, channel: str = "chat") -> "Story":
        self.do(self.opening(f"ep_{channel}"), actor="gateway:gw" if channel == "voice" else "customer")
        return self

    def withheld(self) -> "Story":
        """A caller who shows no number waits."""
        self.do(self.opening("ep_voice", address_withheld=True), actor="gateway:gw")
        self.do(RecordPersonRequested(CONTACT, "qu_sales", 500, 0, (), None))
        self.do(RecordEnqueued(CONTACT, self.contact.step_no, "qu_sales", 1))
        return self

    def started(self, channel: str = "chat") -> "Story":
        self.opened(channel).do(RecordCustomer(CONTACT, 1, "cu_1"))
        return self

    def prompted(self, channel: str = "chat") -> "Story":
        self.started(channel).do(RecordPrompt(CONTACT, "n1", 1, LocalizedText("请选择", "Choose"), MENU))
        return self

    def wanting(self, channel: str = "chat") -> "Story":
        self.prompted(channel).do(
            RecordPersonRequested(CONTACT, "qu_sales", 500, 0, (), LocalizedText("请稍候", "One moment"))
        )
        return self

    def queued(self, channel: str = "chat") -> "Story":
        self.wanting(channel).do(RecordEnqueued(CONTACT, self.contact.step_no, "qu_sales", 1))
        return self

    def offered(self, channel: str = "chat") -> "Story":
        self.queued(channel).do(RecordOffered(CONTACT, 1, 1, "ag_li"))
        return self

    def accepted(self, channel: str = "chat") -> "Story":
        self.offered(channel).do(RecordAccepted(CONTACT, 1, 1, "ag_li"))
        return self

    def connected(self, channel: str = "chat") -> "Story":
        self.accepted(channel).do(RecordConnected(CONTACT, 1, 1, "ag_li"))
        return self

    def confirm_all(self) -> None:
        """acd and ivr forget the closed contact."""
        while (step := self.contact.step) is not None:
            self.do(RecordForgotten(CONTACT, step.step_no))

    # -- what must always hold ---------------------------------------------------------------------

    def _check(self) -> None:
        assert _rows(self.state) == _rows(self.fold), "deciding and folding lead to the same state"
        ends = Counter(event.contact_id for event in self.past if isinstance(event, ContactClosed))
        assert all(count == 1 for count in ends.values()), "a contact ends once"
        for row in self.state.contacts.values():
            self._check_row(row)

    def _check_row(self, row: Contact) -> None:
        assert row.version == sum(getattr(event, "contact_id", "") == row.contact_id for event in self.past)
        assert row.newest_place >= self._highest.get(row.contact_id, (0, 0)), "(segment, offer) never goes back"
        self._highest[row.contact_id] = row.newest_place
        assert row.place <= row.newest_place
        assert not row.others or row.state is ContactState.OFFERED, "only what rings rings at several"
        numbers = [offer.offer_no for offer in row.live_offers]
        assert numbers == sorted(set(numbers))
        begun = [e.step_no for e in self.past if isinstance(e, StepBegun) and e.contact_id == row.contact_id]
        assert begun == list(range(1, row.step_no + 1)), "steps are numbered without gaps"
        joined = [e for e in self.past if isinstance(e, events.ContactConnected) and e.contact_id == row.contact_id]
        agents = {(e.segment_no, e.agent_id) for e in joined}
        assert len(agents) == len({e.segment_no for e in joined}), "a contact is joined with one agent a segment"
        if row.is_over:
            assert row.step is None or row.step.kind in ("end_at_acd", "end_session")
            assert (row.step is None) == (timing.drop_key(row.contact_id) in _timers(self.state))
            assert not {f"{reason}/{row.contact_id}" for reason in timing.REASONS} & _timers(self.state).keys()
        if row.state is ContactState.CONNECTED:
            assert row.agent_id
        self._check_treatment(row)
        if row.is_to_dial:
            self._check_cleared(row)
        if row.consultation is not None:
            assert row.state is ContactState.CONNECTED
            assert timing.expiry_key(timing.PARKING, row.contact_id) not in _timers(self.state), "it is not silent"
            assert row.consultation.offer_no == 0 or row.consultation.offer_no > row.offer_no
        self._check_monitoring(row)
        self._check_whispers(row)

    def _check_whispers(self, row: Contact) -> None:
        """They are numbered by themselves, each for the agent who had the chat, from a supervisor or one of the two."""
        assert [whisper.whisper_no for whisper in row.whispers] == list(range(1, len(row.whispers) + 1))
        assert [message.message_no for message in row.messages] == list(range(1, len(row.messages) + 1))
        assert all(whisper.agent_id for whisper in row.whispers)
        assert all(bool(whisper.supervisor_id) != bool(whisper.colleague_id) for whisper in row.whispers)
        ours = [whisper for whisper in row.whispers if whisper.colleague_id]
        assert all(whisper.author_agent_id in (whisper.agent_id, whisper.colleague_id) for whisper in ours)

    def _check_monitoring(self, row: Contact) -> None:
        """Legs without a supervisor are as they were, and who only listens is heard by nobody."""
        now, on_call = row.monitoring, legs_of(replace(row, monitoring=None))
        joining = f"{timing.JOINING}/{row.contact_id}" in _timers(self.state)
        assert joining == (now is not None and not now.is_joined)
        legs = legs_of(row)
        agents = [leg.agent_id for leg in legs if leg.agent_id]
        assert len(agents) == len(set(agents)), "nobody has two legs"
        begun = [e for e in self.past if isinstance(e, events.MonitoringBegun) and e.contact_id == row.contact_id]
        ended = [e for e in self.past if isinstance(e, events.MonitoringEnded) and e.contact_id == row.contact_id]
        assert len(begun) - len(ended) == (now is not None), "each has its end, and an audit sees it"
        if now is None:
            assert legs == on_call
            return
        assert row.state is ContactState.CONNECTED
        if row.channel is Channel.CHAT:
            assert (now.is_joined, legs) == (True, ()), "a chat is read at once, and has no legs"
            return
        assert legs[:-1] == on_call, "nobody else's leg is another one"
        assert (legs[-1].role, legs[-1].monitoring_no) == (LegRole.SUPERVISOR, now.monitoring_no)
        is_heard_by_all = legs[-1].mode is LegMode.BRIDGED
        assert is_heard_by_all == (now.is_joined and now.mode is MonitoringMode.BARGE)
        assert (legs[-1].mode is LegMode.WHISPERING) == (now.is_joined and now.mode is MonitoringMode.WHISPER)

    def _check_treatment(self, row: Contact) -> None:
        is_waiting = row.state in (ContactState.QUEUED, ContactState.OFFERED)
        assert is_waiting or not row.is_treated, "nothing plays to who does not wait"
        is_timed = timing.expiry_key(timing.ANNOUNCING, row.contact_id) in _timers(self.state)
        assert row.is_treated or not is_timed
        assert row.is_treated or row.step is None or row.step.kind not in ("ask_wait", "change_queue")
        assert row.choices <= 20
        told = [(context.now, event.segment_no) for event, context in self.log if _is_announced(event, row.contact_id)]
        assert all(later - earlier >= timedelta(seconds=30) for (earlier, a), (later, b) in pairwise(told) if a == b)
        assert max(Counter(segment_no for _, segment_no in told).values(), default=0) <= 20

    def _check_cleared(self, row: Contact) -> None:
        """Nobody is dialled before acd cleared this very attempt."""
        cleared = [event for event in self.past if isinstance(event, events.CallbackCleared)]
        assert any((event.segment_no, event.offer_no) == row.place for event in cleared)
        assert row.agent_id


def _is_announced(event: Event, contact_id: str) -> bool:
    """Whether it was told in its turn, not because it was chosen."""
    return isinstance(event, events.TreatmentAnnounced) and event.contact_id == contact_id and not event.digit


def _timers(state: ChannelsState) -> dict[str, Any]:
    return {timer.key: timer for timer in state.timers.values()}


def _rows(state: ChannelsState) -> tuple[Any, ...]:
    contacts = {row.contact_id: row for row in state.contacts.values()}
    held = {key: shelf.entries(key) for shelf in (state.held, state.monitored) for key in shelf.names()}
    definitions = [*state.entry_points.values(), *state.hooks.values(), *state.hours.items(), *state.treatments.items()]
    return contacts, held, sorted(state.conversations.values()), _timers(state), definitions


@pytest.fixture
def story() -> Story:
    """An empty partition with two entry points."""
    return Story()


@pytest.fixture(scope="session")
def new_story() -> type[Story]:
    """Makes empty partitions, for property tests."""
    return Story
