"""Who has what, by the events alone."""

from collections import defaultdict

from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    AgentConfigured,
    CallbackAttempted,
    CallbackDialled,
    CallbackPostponed,
    CallbackReached,
    ConnectFailed,
    ConsultationCompleted,
    ConsultationEnded,
    ConsultationOffered,
    ContactOffered,
    ContactParked,
    ContactReleased,
    ContactResumed,
    ContactTakenOver,
    DeviceForgotten,
    DeviceLost,
    DeviceRegistered,
    Event,
    OfferAccepted,
    OfferEnded,
    QueueConfigured,
    WrapUpFinished,
)
from trunkline_core.decider import Context
from trunkline_core.routing import AgentDefinition, QueueDefinition, WrapUpMode

from .rules_again import fits


class Books:
    """Who has what, by the events alone: nobody is offered what does not fit, and what is given back was booked.

    No call is offered to a telephone that is lost. A contact rings at several only where it rings at all, never twice
    at one agent, and nowhere else once accepted. Each wrap-up has an end of its own, but where its queue wants none.
    """

    def __init__(self) -> None:
        self.work: defaultdict[tuple[str, str], dict[str, tuple[Channel, bool]]] = defaultdict(dict)
        self._live: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)  # by contact: offers by agent
        self._newest: dict[tuple[str, str], int] = {}  # by contact: its newest offer
        self._channels: dict[tuple[str, str], Channel] = {}  # by contact
        self._agents: dict[tuple[str, str], AgentDefinition] = {}
        self.parked: defaultdict[tuple[str, str], dict[str, tuple[Channel, bool]]] = defaultdict(dict)
        self._queues: dict[tuple[str, str], QueueDefinition] = {}
        self.timed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # by agent: wrap-ups until a time
        self._telephones: dict[
            tuple[str, str], set[str]
        ] = {}  # where each is registered; absent: no gateway spoke of it
        self._read = 0

    def read(self, log: list[tuple[Event, Context]]) -> None:
        """Take in what happened since the last time."""
        for event, context in log[self._read :]:
            self._take(event, context.tenant)
            self._follow(event, context.tenant)
        self._read = len(log)

    def _take(self, event: Event, tenant: str) -> None:
        match event:
            case AgentConfigured(agent):
                self._agents[tenant, agent.agent_id] = agent
            case QueueConfigured(queue):
                self._queues[tenant, queue.queue_id] = queue
            case DeviceRegistered():
                self._telephones.setdefault((tenant, event.agent_id), set()).add(event.peer_id)
            case DeviceLost():
                self._telephones[tenant, event.agent_id].remove(event.peer_id)
            case DeviceForgotten():
                del self._telephones[tenant, event.agent_id]
            case ContactOffered() | CallbackDialled() | ConsultationOffered():
                work = self.work[tenant, event.agent_id]
                has_telephone = self._telephones.get((tenant, event.agent_id)) != set()
                assert has_telephone or event.channel is not Channel.VOICE, event
                assert fits(self._agents[tenant, event.agent_id], event.channel, list(work.values())), event
                work[event.contact_id] = (event.channel, True)
                self._channels[tenant, event.contact_id] = event.channel
            case ContactParked():
                work = self.work[tenant, event.agent_id].pop(event.contact_id)
                assert work[0] is Channel.CHAT, event
                self.parked[tenant, event.agent_id][event.contact_id] = work
            case ContactResumed():
                work = self.work[tenant, event.agent_id]
                assert fits(self._agents[tenant, event.agent_id], Channel.CHAT, list(work.values())), event
                work[event.contact_id] = self.parked[tenant, event.agent_id].pop(event.contact_id)
            case ContactReleased(wrap_up=True):
                if self._queues[tenant, event.queue_id].wrap_up_mode is not WrapUpMode.UNTIMED:
                    self.timed[tenant, event.agent_id].add(event.contact_id)
                if event.contact_id in self.parked[tenant, event.agent_id]:
                    return  # wrapped up without units
                work = self.work[tenant, event.agent_id]
                channel, _ = work[event.contact_id]
                work[event.contact_id] = (channel, not self._queues[tenant, event.queue_id].wrap_up_frees_exclusion)
            case CallbackReached(agent_id=""):
                pass  # nobody was kept for it any more
            case (
                OfferEnded()
                | ConnectFailed()
                | CallbackAttempted()
                | CallbackPostponed()
                | CallbackReached()
                | ContactReleased()
                | WrapUpFinished()
            ):
                self.timed[tenant, event.agent_id].discard(event.contact_id)
                is_parked = event.contact_id in self.parked[tenant, event.agent_id]
                del (self.parked if is_parked else self.work)[tenant, event.agent_id][event.contact_id]
            case ConsultationEnded():
                del self.work[tenant, event.agent_id][event.contact_id]
            case ContactTakenOver():
                work, channel = self.work[tenant, event.agent_id], self._channels[tenant, event.contact_id]
                assert fits(self._agents[tenant, event.agent_id], channel, list(work.values())), event
                work[event.contact_id] = (channel, True)

    def _follow(self, event: Event, tenant: str) -> None:
        match event:
            case ContactOffered():
                live = self._live[tenant, event.contact_id]
                assert event.agent_id not in live and (event.ring_all or not live), event
                self._number(event, tenant)
                live[event.agent_id] = event.offer_no
            case CallbackDialled():
                live = self._live[tenant, event.contact_id]
                assert not live, event
                self._number(event, tenant)
                live[event.agent_id] = event.offer_no
            case CallbackReached(agent_id=""):
                assert not self._live[tenant, event.contact_id], event
            case ConsultationOffered():
                assert self._live[tenant, event.contact_id].keys() == {event.asked_by_agent_id}, event
                self._number(event, tenant)
            case ConsultationCompleted() | ContactTakenOver():
                assert not self._live[tenant, event.contact_id], event
                self._live[tenant, event.contact_id][event.agent_id] = event.offer_no
                if isinstance(event, ContactTakenOver):
                    self._number(event, tenant)
            case OfferAccepted():
                assert self._live[tenant, event.contact_id] == {event.agent_id: event.offer_no}, event
            case OfferEnded() | ConnectFailed() | CallbackAttempted() | CallbackPostponed() | CallbackReached():
                assert self._live[tenant, event.contact_id].pop(event.agent_id) == event.offer_no, event
            case ContactReleased():
                del self._live[tenant, event.contact_id][event.agent_id]

    def _number(
        self, event: ContactOffered | CallbackDialled | ConsultationOffered | ContactTakenOver, tenant: str
    ) -> None:
        assert event.offer_no > self._newest.get((tenant, event.contact_id), 0), event
        self._newest[tenant, event.contact_id] = event.offer_no
