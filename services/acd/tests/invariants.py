"""What must hold after every command, whatever the history."""

from collections import Counter
from datetime import datetime

from trunkline_acd.domain import policy
from trunkline_acd.domain.agents import is_routable, is_signed_in
from trunkline_acd.domain.contacts import ConsultationStage, Contact, Offer, Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.parked_chats import is_parked
from trunkline_acd.domain.policy import MAX_HELD_PER_AGENT
from trunkline_acd.domain.skills import meets
from trunkline_acd.domain.state import AcdState, Domain, connected_peer
from trunkline_acd.domain.words import Intent, WorkState
from trunkline_core.routing import RoutingStrategy

from .index_invariants import check_indexes
from .rules_again import could_serve, fits, has_wrap_up, held, is_drained, is_unreachable

_NOT_JOINED = (ConsultationStage.OFFERED, ConsultationStage.CONNECTING)


def check(state: AcdState, now: datetime) -> None:
    """Assert everything that must hold after every command."""
    for domain in state.domains():
        _check_one_place_per_contact(domain)
        _check_one_colleague_per_contact(domain)
        _check_callbacks(domain)
        _check_timers(state, domain)
        _check_nobody_idles(state, domain, now)
        _check_held(domain)
        _check_devices(domain)
        _check_call_ins(state, domain)
        _check_rings(state, domain)
        _check_conservation(domain)
        check_indexes(domain)


def _check_one_place_per_contact(domain: Domain) -> None:
    stages = {
        WorkState.OFFERED: Stage.OFFERED,
        WorkState.CONNECTING: Stage.CONNECTING,
        WorkState.CONNECTED: Stage.CONNECTED,
    }
    live = [
        (work.contact_id, agent.agent_id, work.offer_no, stages[work.state])
        for agent in domain.agents.values()
        for work in agent.work
        if work.state in stages and not work.asked_by
    ]
    nowhere = (Stage.WAITING, Stage.SCHEDULED, Stage.ENDED)
    held = [
        (contact.contact_id, offer.agent_id, offer.offer_no, contact.stage)
        for contact in domain.contacts.values()
        if contact.stage not in nowhere
        for offer in (*contact.others, Offer(contact.offer_no, contact.agent_id))
    ]
    assert sorted(live, key=str) == sorted(held, key=str)
    for contact in domain.contacts.values():
        assert contact.stage is Stage.OFFERED or not (contact.others or contact.rings_at_all)
        assert contact.rings_at_all or not contact.others, "only who rings at all rings at several"
        assert len(set(contact.agent_ids)) == len(contact.agent_ids) <= policy.MAX_RINGING
        numbers = [offer.offer_no for offer in contact.live_offers]
        assert numbers == sorted(numbers) and contact.next_offer_no > max([0, *numbers])


def _check_one_colleague_per_contact(domain: Domain) -> None:
    """Who is asked about a connected contact, which is not parked, is another agent than its own, and the only one."""
    states = {
        ConsultationStage.OFFERED: WorkState.OFFERED,
        ConsultationStage.CONNECTING: WorkState.CONNECTING,
        ConsultationStage.TALKING: WorkState.CONNECTED,
        ConsultationStage.CONFERENCE: WorkState.CONNECTED,
    }
    asked = [
        (work.contact_id, agent.agent_id, work.asked_by, work.state)
        for agent in domain.agents.values()
        for work in agent.work
        if work.asked_by
    ]
    known = [
        (c.contact_id, c.consultation.agent_id, c.agent_id, states[c.consultation.stage])
        for c in domain.contacts.values()
        if c.consultation
    ]
    assert sorted(asked, key=str) == sorted(known, key=str)
    for contact in domain.contacts.values():
        if contact.consultation:
            assert contact.stage is Stage.CONNECTED
            assert not is_parked(domain, contact)
            assert contact.agent_id != contact.consultation.agent_id


def _check_callbacks(domain: Domain) -> None:
    """Each who is dialled has an agent alone, no customer is called back twice, and who is reached is not dialled."""
    callbacks = [contact for contact in domain.contacts.values() if contact.callback and contact.is_open]
    dialled = [contact for contact in callbacks if contact.stage is Stage.CONNECTING and contact.is_to_dial]
    busy = [work for agent in domain.agents.values() for work in agent.work if work.state is WorkState.CONNECTING]
    for contact in dialled:
        assert [work.callback_reached for work in busy if work.contact_id == contact.contact_id] == [False]
    customers = Counter(contact.customer_id for contact in callbacks if contact.customer_id)
    assert all(count == 1 for count in customers.values()), customers
    for contact in callbacks:
        assert not (contact.callback.is_reached and (contact.is_kept or contact.stage is Stage.SCHEDULED)), contact
        assert contact.is_to_dial or not contact.reserved


def _check_timers(state: AcdState, domain: Domain) -> None:
    wanted: set[str] = set()
    for contact in domain.contacts.values():
        if contact.stage is Stage.OFFERED:
            for offer in contact.live_offers:
                own = f"/{offer.offer_no}" if contact.rings_at_all else ""
                wanted.add(f"offer/{domain.tenant}/{contact.contact_id}{own}")
        if contact.stage is Stage.CONNECTING:
            wanted.add(f"connecting/{domain.tenant}/{contact.contact_id}")
        if contact.is_open and contact.ring < len(contact.rings):
            wanted.add(f"ring/{domain.tenant}/{contact.contact_id}")
        if contact.is_open and contact.longest_wait and not contact.is_over_limit:
            wanted.add(f"longest_wait/{domain.tenant}/{contact.contact_id}")
        if contact.held_for:
            wanted.add(f"affinity/{domain.tenant}/{contact.contact_id}")
        if contact.stage is Stage.SCHEDULED:
            wanted.add(f"callback/{domain.tenant}/{contact.contact_id}")
        if contact.consultation and contact.consultation.stage in _NOT_JOINED:
            wanted.add(f"consultation/{domain.tenant}/{contact.contact_id}")
        wrapping_up = {agent.agent_id for agent in domain.agents.values() if has_wrap_up(agent, contact)}
        assert contact.wrapped_up_by == wrapping_up
        assert contact.stage is not Stage.WAITING or wrapping_up <= contact.excluded
        for agent_id in contact.excluded - wrapping_up:
            wanted.add(f"exclusion/{domain.tenant}/{contact.contact_id}/{agent_id}")
    for agent in domain.agents.values():
        if state.timers.get(f"skills/{domain.tenant}/{agent.agent_id}"):
            assert any(skill.valid_from_time or skill.valid_until_time for skill in agent.definition.skills)
            wanted.add(f"skills/{domain.tenant}/{agent.agent_id}")
        if agent.connectivity.name == "GRACE":
            wanted.add(f"grace/{domain.tenant}/{agent.agent_id}")
        if agent.called_in:
            wanted.add(f"call_in/{domain.tenant}/{agent.agent_id}")
        for work in agent.work:
            if work.state is WorkState.WRAP_UP and work.expires_time:
                wanted.add(f"wrap_up/{domain.tenant}/{agent.agent_id}/{work.contact_id}")
    for queue in domain.queues.values():
        if state.timers.get(f"overflow/{domain.tenant}/{queue.queue_id}"):
            assert queue.definition.overflow
            wanted.add(f"overflow/{domain.tenant}/{queue.queue_id}")
        else:
            overflow = queue.definition.overflow
            assert not (overflow and queue.waiting), "those who wait are looked after"
            assert not (overflow and overflow.returns and domain.away.size(queue.queue_id)), "and those who return"
            assert not domain.helping_queue(queue.queue_id), "and help that is given"
        if f"unstaffed/{domain.tenant}/{queue.queue_id}" in {timer.key for timer in state.timers.values()}:
            assert queue.clears_time
            wanted.add(f"unstaffed/{domain.tenant}/{queue.queue_id}")
        elif queue.clears_time:
            assert queue.waiting == 0, "whoever waits leaves"
    if state.timers.get(f"handout/{domain.tenant}"):
        wanted.add(f"handout/{domain.tenant}")
    if len(domain.tombstones):
        wanted.add(f"tombstone/{domain.tenant}")
    assert {timer.key for timer in state.timers.values() if timer.tenant == domain.tenant} == wanted


def _check_nobody_idles(state: AcdState, domain: Domain, now: datetime) -> None:
    is_handed_out = state.timers.get(f"handout/{domain.tenant}") is not None
    to_all = any(queue.definition.strategy is RoutingStrategy.RING_ALL for queue in domain.queues.values())
    many = len(domain.agents) > policy.OFFERS_TO_FREED  # of whom all may have become able at once (rule 1)
    for contact in domain.contacts.values():
        is_chat = contact.channel is Channel.CHAT and not contact.held_for
        rings_on = contact.rings_at_all and not contact.is_over_limit and len(contact.agent_ids) < policy.MAX_RINGING
        is_late = is_handed_out and (
            is_chat or to_all or ((domain.helping_queue(contact.queue_id) or many) and not contact.held_for)
        )
        if (contact.stage is Stage.WAITING or rings_on) and not is_late:
            could = [
                agent.agent_id
                for agent in domain.agents.values()
                if is_routable(agent)
                and not any(work.waits_since for work in agent.work)
                and fits(agent.definition, contact.channel, held(agent))
                and not is_unreachable(agent, contact.channel)
                and could_serve(domain, contact, agent)
                and agent.agent_id not in contact.excluded | set(contact.agent_ids)
                and not (is_chat and is_drained(domain, agent, now))
            ]
            if contact.held_for:
                assert contact.held_for not in could, f"{contact} is held for somebody who idles"
            else:
                assert len(could) <= contact.reserved, f"{could} idle while {contact} waits"


def _check_held(domain: Domain) -> None:
    """Whoever cannot take a contact holds none; what is held rings at nobody else."""
    for contact in domain.contacts.values():
        if contact.held_for and contact.stage is Stage.CONNECTED:
            _check_returned(domain, contact)
        elif contact.held_for:
            agent = domain.agent(contact.held_for)
            assert contact.is_open
            assert contact.agent_ids in ((), (contact.held_for,))
            assert is_signed_in(agent) and not agent.not_responding, contact
            assert meets(agent.profile, contact.wanted)
            assert agent.agent_id not in contact.excluded
            assert not is_unreachable(agent, contact.channel)
            assert domain.held.size(agent.agent_id) <= MAX_HELD_PER_AGENT


def _check_devices(domain: Domain) -> None:
    """No call rings at a telephone that is lost (rule 1)."""
    for agent in domain.agents.values():
        ringing = [work for work in agent.work if work.state is WorkState.OFFERED]
        assert not any(is_unreachable(agent, work.channel) for work in ringing), agent
        assert agent.has_device or not agent.registered_at


def _check_call_ins(state: AcdState, domain: Domain) -> None:
    """Nobody who is available at a desk is called in (rule 20), nor anybody for ever."""
    for agent in domain.agents.values():
        if agent.called_in:
            assert agent.intent is not Intent.AVAILABLE or connected_peer(agent) is None, agent
            timer = state.timers.get(f"call_in/{domain.tenant}/{agent.agent_id}")
            assert timer and timer.due == agent.called_in.until_time


def _check_rings(state: AcdState, domain: Domain) -> None:
    """Nobody stays in a ring that nobody who is signed in could serve, where a later one could be (rule 7)."""
    if state.timers.get(f"handout/{domain.tenant}"):
        return
    signed_in = [agent.profile for agent in domain.agents.values() if is_signed_in(agent)]
    for contact in domain.contacts.values():
        if contact.is_open and contact.stage is not Stage.SCHEDULED:
            rings = range(contact.ring, len(contact.rings) + 1)
            served = [any(meets(profile, contact.asks_in(ring)) for profile in signed_in) for ring in rings]
            assert served[0] or not any(served), contact


def _check_returned(domain: Domain, contact: Contact) -> None:
    """The customer of a parked chat is back, and waits only as long as the chat cannot go on (rule 2)."""
    agent = domain.agent(contact.agent_id)
    work = agent.work_on(contact.contact_id)
    assert contact.held_for == contact.agent_id
    assert work.parked_since and work.waits_since
    assert not (is_routable(agent) and fits(agent.definition, Channel.CHAT, held(agent)))


def _check_conservation(domain: Domain) -> None:
    for queue in domain.queues.values():
        here = [c for c in domain.contacts.values() if c.queue_id == queue.queue_id]
        stages = Counter(c.stage for c in here if c.callback is None)
        assert queue.waiting == stages[Stage.WAITING]
        assert queue.ringing == stages[Stage.OFFERED] + stages[Stage.CONNECTING]
        assert queue.connected == sum(c.stage is Stage.CONNECTED for c in here)
        assert queue.callbacks_open == sum(c.is_open for c in here if c.callback)
        callbacks_ended = queue.callbacks_reached_total + queue.callbacks_unreached_total
        assert queue.callbacks_opened_total == callbacks_ended + queue.callbacks_open
        outcomes = queue.answered_total + queue.abandoned_total + queue.short_abandoned_total + queue.closed_total
        outcomes += queue.limit_reached_total + queue.flowed_out_total + queue.converted_total
        assert queue.entered_total == outcomes + queue.waiting + queue.ringing
