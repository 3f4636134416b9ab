"""The figures of what a command changed: absolute values, so that any replay of them is harmless.

Owns: which events change whose row. Must not: change state.
"""

from collections.abc import Iterator
from typing import TypeVar, assert_never

from trunkline_acd.domain import events, policy
from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.words import AgentRow, QueueRow, WorkState

Row = TypeVar("Row")


class Changes:
    """Ids of agents and queues whose rows a command changed, in the order of their first change."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._agents: dict[str, None] = {}
        self._queues: dict[str, None] = {}

    def note(self, event: events.Event) -> None:
        """Remember whom the event concerns; the state has evolved by it, and by no later one."""
        match event:
            case events.QueueConfigured(queue):
                self._queues[queue.queue_id] = None
            case events.AgentConfigured(agent):
                self._agents[agent.agent_id] = None
            case (
                events.ContactEnqueued()
                | events.SegmentEnded()
                | events.CallbackEnded()
                | events.SharingBegun()
                | events.SharingEnded()
            ):
                self._queues[event.queue_id] = None
            case (
                events.ContactOffered()
                | events.ContactConnected()
                | events.ContactReleased()
                | events.CallbackDialled()
                | events.CallbackAttempted()
                | events.CallbackPostponed()
                | events.ConsultationCompleted()
                | events.ContactTakenOver()
            ):
                self._agents[event.agent_id] = self._queues[event.queue_id] = None
            case events.OfferEnded() | events.ConnectFailed():
                self._agents[event.agent_id] = None
                self._queues[self._domain.contact(event.contact_id).queue_id] = None
            case events.CallbackReached():
                self._queues[event.queue_id] = None
                if event.agent_id:
                    self._agents[event.agent_id] = None
            case (
                events.OfferAccepted()
                | events.CallbackCleared()
                | events.ContactParked()
                | events.ContactResumed()
                | events.CustomerReturned()
                | events.ConsultationOffered()
                | events.ConsultationAccepted()
                | events.ConsultationConnected()
                | events.ConsultationEnded()
                | events.WrapUpFinished()
                | events.WrapUpExtended()
                | events.NextIntentSet()
                | events.IntentChanged()
                | events.AgentSessionOpened()
                | events.AgentSessionLost()
                | events.AgentDisconnected()
                | events.AgentNotResponding()
                | events.AgentRearmed()
                | events.DeviceRegistered()
                | events.DeviceLost()
                | events.DeviceForgotten()
                | events.AgentCalledIn()
                | events.CallInEnded()
            ):
                self._agents[event.agent_id] = None
            case events.WrapUpCodeConfigured() | events.RowsChanged():
                pass
            case (
                events.QueueUnstaffed()
                | events.QueueStaffed()
                | events.UnstaffedQueueCleared()
                | events.OverflowChecked()
                | events.SharingBegun()
                | events.SharingEnded()
                | events.HandoutScheduled()
                | events.SkillsRefreshed()
            ):
                pass
            case (
                events.ContactRelaxed()
                | events.LimitPassed()
                | events.AffinityEnded()
                | events.ContactKeptBack()
                | events.ContactForgotten()
                | events.TombstoneDropped()
                | events.ExclusionEnded()
                | events.CallbackBegun()
                | events.ConsultationMerged()
                | events.ContactPulled()
                | events.ContactRequeued()
                | events.WaitingContactClosed()
            ):
                pass
            case _:
                assert_never(event)

    def rows(self) -> Iterator[events.RowsChanged]:
        """Yield the rows as they are now, a bounded number in each event."""
        agents = [agent_row(self._domain.agent(agent_id)) for agent_id in self._agents]
        queues = [queue_row(self._domain, self._domain.queue(queue_id)) for queue_id in self._queues]
        while agents or queues:
            some_agents, agents = _split(agents)
            some_queues, queues = _split(queues)
            yield events.RowsChanged(some_agents, some_queues, self._domain.routing_domain_id)


def _split(rows: list[Row]) -> tuple[tuple[Row, ...], list[Row]]:
    return tuple(rows[: policy.ROWS_PER_EVENT]), rows[policy.ROWS_PER_EVENT :]


def agent_row(agent: Agent) -> AgentRow:
    """Return the agent as figures."""
    states = [work.state for work in agent.at_hand]
    return AgentRow(
        agent_id=agent.agent_id,
        intent=agent.intent,
        break_reason=agent.break_reason,
        connectivity=agent.connectivity,
        not_responding=agent.not_responding,
        offered=states.count(WorkState.OFFERED),
        connecting=states.count(WorkState.CONNECTING),
        connected=states.count(WorkState.CONNECTED),
        wrap_up=states.count(WorkState.WRAP_UP),
        since_time=max(agent.since_time, agent.work_since_time),
        parked=len(agent.work) - len(states),
        device=agent.device,
        called_in=agent.called_in,
    )


def queue_row(domain: Domain, queue: Queue) -> QueueRow:
    """Return the queue as figures."""
    oldest = domain.ages.first(queue.queue_id)
    return QueueRow(
        queue_id=queue.queue_id,
        waiting=queue.waiting,
        ringing=queue.ringing,
        connected=queue.connected,
        oldest_entered_time=domain.contact(oldest[-1]).entered_time if oldest else None,
        entered_total=queue.entered_total,
        answered_total=queue.answered_total,
        abandoned_total=queue.abandoned_total,
        short_abandoned_total=queue.short_abandoned_total,
        closed_total=queue.closed_total,
        answered_wait_duration=queue.answered_wait,
        limit_reached_total=queue.limit_reached_total,
        flowed_out_total=queue.flowed_out_total,
        kept_back_total=queue.kept_back_total,
        kept_back_duration=queue.kept_back_wait,
        converted_total=queue.converted_total,
        callbacks_open=queue.callbacks_open,
        callbacks_opened_total=queue.callbacks_opened_total,
        callbacks_reached_total=queue.callbacks_reached_total,
        callbacks_unreached_total=queue.callbacks_unreached_total,
        helping_queue_id=domain.helping_queue(queue.queue_id),
    )
