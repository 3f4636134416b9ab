"""The state of one partition: a routing domain for each tenant, all under one journal.

Owns: rows and the indexes that follow from them; whoever puts a row need not think of an index.
Must not: decide anything.
"""

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from trunkline_core.errors import NotFound
from trunkline_core.ids import address_of
from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition
from trunkline_core.tables import Family, Journal, Table
from trunkline_core.timers import Timers

from trunkline_acd.domain import queues
from trunkline_acd.domain.agents import Agent, is_routable, is_signed_in, occupancy, settled
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, Stage, Tombstone, line_of, line_place
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.followed import Followed
from trunkline_acd.domain.places import Order, Place, Pool, Spot, order_of, spot_of
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.shelves import Shelves
from trunkline_acd.domain.skills import Asked, Profile, RequirementSet, meets, meets_one, needs_in
from trunkline_acd.domain.wait_histories import WaitHistory
from trunkline_acd.domain.words import Connectivity

_TOMBSTONES = "tombstones"
_POLICY = "policy_version"
_MAX_SERVED = 1_000
_NEEDS_OF = attrgetter("requirements")

Lines = Shelves[Line, LinePlace]
"""Contacts, by the line in which they stand, or would."""


Loosening = tuple[RequirementSet, ...]
"""What contacts ask for in the ring they have reached, and in each of those to come (rule 7)."""


class Load(NamedTuple):
    """How much of some agents is in use: the sum of what work takes of each, in thousandths, and how many they are."""

    used_permille: int
    agents: int


class Domain:
    """The queues and agents of one tenant that compete with each other: the unit of ordering."""

    def __init__(self, tenant: str, journal: Journal, tombstone_counts: Table[str, int]) -> None:
        self.tenant = tenant
        self.routing_domain_id = routing_domain_id(tenant)
        self.queues: Table[str, Queue] = Table(journal)
        self.agents: Table[str, Agent] = Table(journal)
        self.wrap_up_codes: Table[str, bool] = Table(journal)
        self.contacts: Table[str, Contact] = Table(journal)
        self.tombstones: Table[str, Tombstone] = Table(journal)
        self.lines: Lines = Shelves(journal, _NEEDS_OF)  # waiting contacts, the next one first
        self.ringing_lines: Lines = Shelves(journal, _NEEDS_OF)  # contacts that ring and may ring at more
        self.held: Shelves[str, tuple[int, str]] = Shelves(journal)  # contacts held for an agent, the oldest first
        self.calls: Shelves[Line, tuple[datetime, str]] = Shelves(journal, _NEEDS_OF)  # that drain chats
        self.ages: Shelves[str, tuple[int, str]] = Shelves(journal)  # waiting contacts of a queue, the oldest first
        self.callbacks: Shelves[str, tuple[int, str]] = Shelves(journal)  # waiting call-backs, in no `ages`
        self.reached: Shelves[str, tuple[int, str]] = Shelves(journal)  # those whose customer is on the line, apart
        self.loosening: Shelves[Loosening, tuple[int, str]] = Shelves(journal)  # contacts that may ask for less later
        self.pools: Shelves[Pool, Place] = Shelves(journal)  # agents with room, the longest idle first
        self.other_pools: Shelves[tuple[Order, Pool], Place] = Shelves(journal)  # in each other order in use
        self.peers: Shelves[str, tuple[str]] = Shelves(journal)  # agents with a connected desk, by console
        self.devices: Shelves[str, tuple[str]] = Shelves(journal)  # agents with a registered telephone, by gateway
        self.staff: Table[Profile, int] = Table(journal)  # agents who are signed in, by their skills
        self.loads: Table[Profile, Load] = Table(journal)  # of agents who are available or at work, by their skills
        self.helping: Shelves[str, tuple[str]] = Shelves(journal)  # the queue that helps out, by the one that it helps
        self.away: Shelves[str, tuple[int, str]] = Shelves(journal)  # waiting contacts that return, by their home
        self.wait_histories: Table[str, WaitHistory] = Table(journal)
        self.followed_lines: Lines = Shelves(journal, _NEEDS_OF)  # who left, in the place they had
        self.followed: Table[int, Followed] = Table(journal)  # by enqueue order
        self._followed_ages: Shelves[str, tuple[datetime, int]] = Shelves(journal)  # by queue, who left first
        self._set_sizes: Table[tuple[str, RequirementSet], int] = Table(journal)
        self._order_uses: Table[Order, int] = Table(journal)  # queues whose strategy looks at that order
        self._customer_sizes: Table[tuple[str, str], int] = Table(journal)  # open contacts by queue and customer
        self._open_callbacks: Shelves[str, tuple[str]] = Shelves(journal)  # by customer, and by address
        self._counters: Table[str, int] = Table(journal)
        self._graves: Shelves[str, tuple[int, str]] = Shelves(journal)
        self._tombstone_counts = tombstone_counts
        self._served: dict[Profile, tuple[int, tuple[Line, ...]]] = {}  # follows from `lines`

    def queue(self, queue_id: str) -> Queue:
        """Return the queue. Raises: NotFound."""
        if queue := self.queues.get(queue_id):
            return queue
        raise NotFound("queue", queue_id)

    def definition_of(self, queue_id: str) -> QueueDefinition | None:
        """Return the queue's definition, None for an unknown one."""
        queue = self.queues.get(queue_id)
        return queue.definition if queue else None

    def agent(self, agent_id: str) -> Agent:
        """Return the agent. Raises: NotFound."""
        if agent := self.agents.get(agent_id):
            return agent
        raise NotFound("agent", agent_id)

    def contact(self, contact_id: str) -> Contact:
        """Return the contact. Raises: NotFound."""
        if contact := self.contacts.get(contact_id):
            return contact
        raise NotFound("contact", contact_id)

    def put_agent(self, agent: Agent, now: datetime) -> None:
        """Insert or replace an agent; settles idle time and counts the version."""
        before = self.agents.get(agent.agent_id)
        after = settled(agent, now)
        self.agents.put(after.agent_id, after)
        self._move_in_pools(before, after)
        self._move_among_peers(before, after)
        self._move_among_gateways(before, after)
        self._count_staff(before, after)
        self._count_load(before, after)

    def put_contact(self, contact: Contact) -> None:
        """Insert or replace a contact."""
        before = self.contacts.get(contact.contact_id)
        self.contacts.put(contact.contact_id, contact)
        self._move_in_lines(before, contact)

    def delete_contact(self, contact_id: str) -> None:
        """Remove a contact."""
        before = self.contact(contact_id)
        self.contacts.delete(contact_id)
        self._move_in_lines(before, None)

    def put_definition(self, definition: QueueDefinition) -> None:
        """Insert or redefine a queue; contacts that wait there are ranked anew."""
        before = self.queues.get(definition.queue_id)
        self._use_order(definition, before.definition if before else None)
        if before is None:
            self.queues.put(definition.queue_id, Queue(definition.queue_id, definition))
        else:
            self._redefine(before, definition)
        for queue_id in [helped for helped, helping in self.helping.items() if (definition.queue_id,) in helping]:
            self.put_help(queue_id, definition.queue_id)  # whom it asks for has changed

    def _redefine(self, before: Queue, definition: QueueDefinition) -> None:
        shelves = (self.ages, self.callbacks, self.reached)
        moves = not _keeps_places(before.definition, definition)
        entries = [entry for shelf in shelves if moves for entry in shelf.entries(definition.queue_id)]
        waiting = [self.contact(entry[-1]) for entry in entries]
        ringing = self._ringing_in(definition.queue_id) if moves else []
        for contact in waiting:
            self._leave_line(contact)
        for contact in ringing:
            self.ringing_lines.remove(*self.place_in_line(contact))
        version = before.policy_version + 1
        self.queues.put(definition.queue_id, replace(before, definition=definition, policy_version=version))
        for contact in waiting:
            self._join_line(contact)
        for contact in ringing:
            self.ringing_lines.add(*self.place_in_line(contact))

    def policy_version(self) -> int:
        """Return the newest version of the tenant's policy that configured a queue; 0 before the first."""
        return self._counters.get(_POLICY) or 0

    def put_policy_version(self, version: int) -> None:
        """Keep which version of the tenant's policy is in force."""
        self._counters.put(_POLICY, version)

    def agents_with_room(self, pool: Pool, order: Order) -> Iterator[Place]:
        """Iterate over the agents of one pool in that order, which a queue's strategy must use."""
        return self.pools.entries(pool) if order is Order.IDLE else self.other_pools.entries((order, pool))

    def held_for(self, agent_id: str) -> list[Contact]:
        """Return the contacts that are held for the agent: waiting, ringing, or parked with a customer who is back."""
        return [self.contact(entry[-1]) for entry in self.held.entries(agent_id)]

    def next_number(self, name: str) -> int:
        """Return 1, 2, 3, … for that name."""
        number = (self._counters.get(name) or 0) + 1
        self._counters.put(name, number)
        return number

    def last_number(self, name: str) -> int:
        """Return the newest number of that name, 0 before the first."""
        return self._counters.get(name) or 0

    def lines_for(self, profile: Profile) -> tuple[Line, ...]:
        """Return the lines of which agents with these skills could serve whoever waits there."""
        known_at, served = self._served.get(profile, (-1, ()))
        changes = self.lines.key_changes + self.helping.key_changes  # both only grow
        if known_at != changes:
            served = tuple(self.served_in(self.lines, profile))
            if len(self._served) >= _MAX_SERVED:
                self._served = {}  # skills come and go: whoever asks again has it worked out again
            self._served[profile] = (changes, served)
        return served

    def served_in(self, lines: Shelves[Line, Any], profile: Profile) -> list[Line]:
        """Return those lines whose contacts agents with these skills could serve.

        Many lines ask for the same, so that this looks at what is asked for, not at each line, but while others help.
        """
        own = [line for needs, alike in lines.kinds() if meets(profile, needs) for line in alike]
        helped = [line for line in lines if self._helps_in(line, profile)] if len(self.helping) else []
        return own + helped

    def asked_of(self, contact: Contact) -> Asked:
        """Return what is asked of an agent to take the contact now, also of one who only helps out (rule 12)."""
        return self._asked(contact.queue_id, contact.wanted, contact.own_requirements)

    def asked_in(self, line: Line) -> Asked:
        """Return what is asked of an agent to take a contact of that line now, also of one who only helps out."""
        return self._asked(line.queue_id, line.requirements, line.own_requirements)

    def place_in_line(self, contact: Contact) -> tuple[Line, LinePlace]:
        """Return the line in which the contact stands, or would, and where."""
        definition = self.queue(contact.queue_id).definition
        return line_of(contact, definition), line_place(contact, definition)

    def helping_queue(self, queue_id: str) -> str:
        """Return the queue whose agents help out in that one; empty for none."""
        helping = self.helping.first(queue_id) if self.helping else None  # asked at each match, and mostly none helps
        return helping[0] if helping else ""

    def put_help(self, queue_id: str, helping_queue_id: str) -> None:
        """Let agents of another queue help out in that one, or none: with an empty id."""
        if known := self.helping.first(queue_id):
            self.helping.remove(queue_id, known)
        if helping_queue_id:
            self.helping.add(queue_id, (helping_queue_id,))

    def load_for(self, requirements: RequirementSet) -> Load:
        """Return the load of those who could serve this."""
        loads = [load for profile, load in self.loads.items() if meets(profile, requirements)]
        return Load(sum(load.used_permille for load in loads), sum(load.agents for load in loads))

    def reindex(self) -> None:
        """Forget what follows from tables that were replaced."""
        self._served = {}

    def has_set(self, queue_id: str, requirements: RequirementSet) -> bool:
        """Tell whether a contact with an open segment of that queue has these requirements."""
        return (queue_id, requirements) in self._set_sizes

    def customer_size(self, queue_id: str, customer_id: str) -> int:
        """Return how many contacts of that customer are open in the queue; of an unknown one none are known."""
        return self._customer_sizes.get((queue_id, customer_id)) or 0

    def has_other_callback(self, contact_id: str, customer_id: str) -> bool:
        """Tell whether that customer has an open call-back besides this contact.

        Those of one address are one customer's, unless crm has told otherwise of both.
        """
        if any(self._other_callbacks(customer_id, contact_id)):
            return True
        at_address = self._other_callbacks(address_of(contact_id), contact_id)
        return any(not (customer_id and other.customer_id) for other in at_address)

    def _other_callbacks(self, identity: str, contact_id: str) -> Iterator[Contact]:
        return (self.contact(other) for (other,) in self._open_callbacks.entries(identity) if other != contact_id)

    def is_staffed(self, requirements: RequirementSet) -> bool:
        """Tell whether somebody who is signed in could ever serve this, busy or not."""
        return any(meets(profile, requirements) for profile, _ in self.staff.items())

    def staff_for(self, asked: Asked) -> int:
        """Return how many who are signed in could serve this, busy or not."""
        return sum(count for profile, count in self.staff.items() if meets_one(profile, asked))

    def waiting_count(self) -> int:
        """Return how many contacts of the domain wait without an offer."""
        return sum(queue.waiting for queue in self.queues.values())

    def tombstone_count(self) -> int:
        """Return how many contacts that are over the whole partition remembers."""
        return self._tombstone_counts.get(_TOMBSTONES) or 0

    def put_tombstone(self, tombstone: Tombstone) -> None:
        """Remember a contact that is over."""
        if tombstone.contact_id not in self.tombstones:
            self._graves.add(_TOMBSTONES, (tombstone.number, tombstone.contact_id))
            self._count_tombstones(+1)
        self.tombstones.put(tombstone.contact_id, tombstone)

    def delete_tombstone(self, contact_id: str) -> None:
        """Forget it for good."""
        if tombstone := self.tombstones.get(contact_id):
            self._graves.remove(_TOMBSTONES, (tombstone.number, contact_id))
            self.tombstones.delete(contact_id)
            self._count_tombstones(-1)

    def oldest_tombstones(self) -> Iterator[Tombstone]:
        """Iterate over the tombstones, the oldest first."""
        for entry in self._graves.entries(_TOMBSTONES):
            if tombstone := self.tombstones.get(entry[-1]):
                yield tombstone

    def follow(self, followed: Followed) -> None:
        """Keep the place of a contact that leaves its line."""
        contact = followed.contact
        self.followed.put(contact.order, followed)
        self.followed_lines.add(*self.place_in_line(contact))
        self._followed_ages.add(contact.queue_id, (followed.left_time, contact.order))

    def unfollow(self, followed: Followed) -> None:
        """Give that place up."""
        contact = followed.contact
        self.followed.delete(contact.order)
        self.followed_lines.remove(*self.place_in_line(contact))
        self._followed_ages.remove(contact.queue_id, (followed.left_time, contact.order))

    def followed_count(self, queue_id: str) -> int:
        """Return how many contacts that left the queue are followed."""
        return self._followed_ages.size(queue_id)

    def first_followed(self, queue_id: str) -> Followed:
        """Return the one that left first. Raises: KeyError where there is none."""
        return self.followed_at(self._followed_ages.at(queue_id, 0)[-1])

    def followed_at(self, order: int) -> Followed:
        """Return the one that entered with that number. Raises: KeyError."""
        followed = self.followed.get(order)
        if followed is None:
            raise KeyError(order)
        return followed

    def _asked(self, queue_id: str, wanted: RequirementSet, own: RequirementSet) -> Asked:
        helping_queue_id = self.helping_queue(queue_id)
        helping = self.definition_of(helping_queue_id) if helping_queue_id else None
        return (wanted, needs_in(helping, own)) if helping else (wanted,)

    def _helps_in(self, line: Line, profile: Profile) -> bool:
        _, *of_helpers = self.asked_in(line)
        return any(meets(profile, needs) for needs in of_helpers) and not meets(profile, line.requirements)

    def _move_in_pools(self, before: Agent | None, after: Agent) -> None:
        left, taken = spot_of(before) if before else None, spot_of(after)
        if left and left != taken:
            self.pools.remove(*left)
        if taken and left != taken:
            self.pools.add(*taken)
        for order, _ in self._order_uses.items():
            self._move_in_order(order, before, after)

    def _move_in_order(self, order: Order, before: Agent | None, after: Agent | None) -> None:
        left: Spot | None = spot_of(before, order) if before else None
        taken: Spot | None = spot_of(after, order) if after else None
        if left and left != taken:
            self.other_pools.remove((order, left[0]), left[1])
        if taken and left != taken:
            self.other_pools.add((order, taken[0]), taken[1])

    def _use_order(self, definition: QueueDefinition, before: QueueDefinition | None) -> None:
        """Keep the orders that strategies look at; one that comes into use costs a pass over all agents, once."""
        was, becomes = order_of(before.strategy) if before else Order.IDLE, order_of(definition.strategy)
        if becomes is not was:
            self._count_order(becomes, +1)
            self._count_order(was, -1)

    def _count_order(self, order: Order, change: int) -> None:
        if order is Order.IDLE:  # always kept
            return
        uses = self._order_uses.get(order) or 0
        if uses == 0 or uses + change == 0:
            for agent in self.agents.values():
                self._move_in_order(order, *((None, agent) if change > 0 else (agent, None)))
        if uses + change:
            self._order_uses.put(order, uses + change)
        else:
            self._order_uses.delete(order)

    def _count_staff(self, before: Agent | None, after: Agent) -> None:
        left = before.profile if before and is_signed_in(before) else None
        taken = after.profile if is_signed_in(after) else None
        if left == taken:
            return
        if left is not None and (others := (self.staff.get(left) or 0) - 1):
            self.staff.put(left, others)
        elif left is not None:
            self.staff.delete(left)
        if taken is not None:
            self.staff.put(taken, (self.staff.get(taken) or 0) + 1)

    def _count_load(self, before: Agent | None, after: Agent) -> None:
        left, taken = _load_of(before), _load_of(after)
        if left != taken:
            self._add_load(left, -1)
            self._add_load(taken, +1)

    def _add_load(self, of_agent: tuple[Profile, int] | None, change: int) -> None:
        if of_agent is None:
            return
        profile, used_permille = of_agent
        known = self.loads.get(profile) or Load(0, 0)
        if agents := known.agents + change:
            self.loads.put(profile, Load(known.used_permille + change * used_permille, agents))
        else:
            self.loads.delete(profile)

    def _move_among_peers(self, before: Agent | None, after: Agent) -> None:
        left, taken = connected_peer(before) if before else None, connected_peer(after)
        if left == taken:
            return
        if left is not None:
            self.peers.remove(left, (after.agent_id,))
        if taken is not None:
            self.peers.add(taken, (after.agent_id,))

    def _move_among_gateways(self, before: Agent | None, after: Agent) -> None:
        left, taken = before.registered_at if before else (), after.registered_at
        if left != taken:
            for peer_id in left:
                self.devices.remove(peer_id, (after.agent_id,))
            for peer_id in taken:
                self.devices.add(peer_id, (after.agent_id,))

    def _move_in_lines(self, before: Contact | None, after: Contact | None) -> None:
        was, stays = before.stage if before else None, after.stage if after else None
        if was is not stays and (contact := after or before):
            self.queues.put(contact.queue_id, queues.recounted(self.queue(contact.queue_id), before, after))
        if before and was is Stage.WAITING:
            self._leave_line(before)
        if after and stays is Stage.WAITING:
            self._join_line(after)
        self._move_among_ringing(before, after)
        self._move_among_held(before, after)
        self._move_among_away(before, after)
        self._move_among_loosening(before, after)
        self._count_sets(before, after)
        self._count_customers(before, -1)
        self._count_customers(after, +1)
        self._move_among_callbacks(before, after)

    def _move_among_ringing(self, before: Contact | None, after: Contact | None) -> None:
        if before and before.may_ring_at_more:
            self.ringing_lines.remove(*self.place_in_line(before))
        if after and after.may_ring_at_more:
            self.ringing_lines.add(*self.place_in_line(after))

    def _ringing_in(self, queue_id: str) -> list[Contact]:
        lines = [line for line in self.ringing_lines if line.queue_id == queue_id]
        return [self.contact(place.contact_id) for line in lines for place in self.ringing_lines.entries(line)]

    def _move_among_held(self, before: Contact | None, after: Contact | None) -> None:
        if before and before.held_for and (after is None or after.held_for != before.held_for):
            self.held.remove(before.held_for, (before.order, before.contact_id))
        if after and after.held_for and (before is None or after.held_for != before.held_for):
            self.held.add(after.held_for, (after.order, after.contact_id))

    def _move_among_away(self, before: Contact | None, after: Contact | None) -> None:
        was, stays = (_is_away(contact) for contact in (before, after))
        if before and was and not stays:
            self.away.remove(before.home_queue_id, (before.order, before.contact_id))
        if after and stays and not was:
            self.away.add(after.home_queue_id, (after.order, after.contact_id))

    def _move_among_loosening(self, before: Contact | None, after: Contact | None) -> None:
        was, becomes = loosening_of(before), loosening_of(after)
        if was == becomes:
            return
        if before and was:
            self.loosening.remove(was, (before.order, before.contact_id))
        if after and becomes:
            self.loosening.add(becomes, (after.order, after.contact_id))

    def _leave_line(self, contact: Contact) -> None:
        definition = self.queue(contact.queue_id).definition
        if not contact.held_for:  # else it stands before nobody
            self.lines.remove(line_of(contact, definition), line_place(contact, definition))
            if _drains_chats(contact, definition):
                self.calls.remove(line_of(contact, definition), (contact.aged_since_time, contact.contact_id))
        self._shelf_of(contact).remove(contact.queue_id, (contact.order, contact.contact_id))

    def _join_line(self, contact: Contact) -> None:
        definition = self.queue(contact.queue_id).definition
        if not contact.held_for:
            self.lines.add(line_of(contact, definition), line_place(contact, definition))
            if _drains_chats(contact, definition):
                self.calls.add(line_of(contact, definition), (contact.aged_since_time, contact.contact_id))
        self._shelf_of(contact).add(contact.queue_id, (contact.order, contact.contact_id))

    def _shelf_of(self, contact: Contact) -> Shelves[str, tuple[int, str]]:
        if contact.is_reached:
            return self.reached
        return self.callbacks if contact.callback else self.ages

    def _count_sets(self, before: Contact | None, after: Contact | None) -> None:
        was, stays = _has_set(before), _has_set(after)
        contact = after or before
        if was is stays or contact is None:
            return
        key = (contact.queue_id, contact.requirements)
        size = (self._set_sizes.get(key) or 0) + (1 if stays else -1)
        if size:
            self._set_sizes.put(key, size)
        else:
            self._set_sizes.delete(key)
        if size == (1 if stays else 0):
            queue = self.queue(contact.queue_id)
            sets = queue.requirement_sets + (1 if stays else -1)
            self.queues.put(contact.queue_id, replace(queue, requirement_sets=sets))

    def _count_customers(self, contact: Contact | None, change: int) -> None:
        if contact is None or not contact.customer_id or contact.stage is Stage.ENDED or contact.callback:
            return
        key = (contact.queue_id, contact.customer_id)
        if size := (self._customer_sizes.get(key) or 0) + change:
            self._customer_sizes.put(key, size)
        else:
            self._customer_sizes.delete(key)

    def _move_among_callbacks(self, before: Contact | None, after: Contact | None) -> None:
        was, stays = _called_back(before), _called_back(after)
        contact = after or before
        if was == stays or contact is None:
            return
        for identity in was:
            self._open_callbacks.remove(identity, (contact.contact_id,))
        for identity in stays:
            self._open_callbacks.add(identity, (contact.contact_id,))

    def _count_tombstones(self, change: int) -> None:
        self._tombstone_counts.put(_TOMBSTONES, (self._tombstone_counts.get(_TOMBSTONES) or 0) + change)


class AcdState:
    """All routing domains of one partition."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Command] = Timers(self.journal)
        self._tombstone_counts: Table[str, int] = Table(self.journal)
        self._domains: Family[Domain] = Family(lambda tenant: Domain(tenant, self.journal, self._tombstone_counts))

    def domain(self, tenant: str) -> Domain:
        """Return the tenant's routing domain; an empty one is no state, so it is made where it is missing."""
        return self._domains.of(tenant)

    def domains(self) -> Iterator[Domain]:
        """Iterate over all routing domains."""
        return (domain for _, domain in self._domains.items())

    def tombstone_count(self) -> int:
        """Return how many contacts that are over the partition remembers."""
        return self._tombstone_counts.get(_TOMBSTONES) or 0


def routing_domain_id(tenant: str) -> str:
    """Return the id of the tenant's routing domain: the key of all its records."""
    return "rd_" + tenant.removeprefix("tn_")


def _load_of(agent: Agent | None) -> tuple[Profile, int] | None:
    """Return whose load it is and how much; None for who is neither available nor at work."""
    if agent is None or not (is_routable(agent) or agent.at_hand):
        return None
    return agent.profile, occupancy(agent).share_permille


def _is_away(contact: Contact | None) -> bool:
    return contact is not None and contact.stage is Stage.WAITING and bool(contact.home_queue_id)


def _called_back(contact: Contact | None) -> tuple[str, ...]:
    """Return whom an open call-back is for, by address and, where crm has told, by customer."""
    if contact is None or not (contact.callback and contact.is_open):
        return ()
    return tuple(identity for identity in (address_of(contact.contact_id), contact.customer_id) if identity)


def _has_set(contact: Contact | None) -> bool:
    """Tell whether the contact's requirements count in its queue: a call-back for later is in no line yet."""
    return contact is not None and contact.is_open and contact.stage is not Stage.SCHEDULED


def _keeps_places(before: QueueDefinition, after: QueueDefinition) -> bool:
    """Tell whether contacts that wait or ring stay in the lines in which they stand, at their places there."""
    fields = ("target_wait_duration", "value_weight_permille", "urgency_weight_permille", "drains_chats")
    shared, shares = (bool(queue.overflow and queue.overflow.shares) for queue in (before, after))
    return shared == shares and all(getattr(before, field) == getattr(after, field) for field in fields)


def _drains_chats(contact: Contact, queue: QueueDefinition) -> bool:
    return queue.drains_chats and contact.channel is Channel.VOICE and contact.callback is None


def loosening_of(contact: Contact | None) -> Loosening | None:
    """Return what the contact asks for, and will; None where it will not ask for less, or has been answered.

    None for a call-back until its time, too: who is signed in meanwhile says nothing about who will be then.
    """
    if contact is None or not contact.is_open or contact.ring >= len(contact.rings):
        return None
    if contact.stage is Stage.SCHEDULED:
        return None
    return tuple(contact.asks_in(ring) for ring in range(contact.ring, len(contact.rings) + 1))


def connected_peer(agent: Agent) -> str | None:
    """Return the console that holds the agent's connected desk, or None."""
    return agent.peer_id if agent.connectivity is Connectivity.CONNECTED else None
