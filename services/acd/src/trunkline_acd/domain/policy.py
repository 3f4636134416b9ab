"""Fixed figures of routing that no queue definition overrides, each with its reason."""

from datetime import timedelta

from trunkline_core import routing

CONNECTING = timedelta(seconds=5)
"""Joining two legs takes well under a second; after 5 s the customer is better served by somebody else."""

DIALLING = timedelta(seconds=60)
"""To dial the customer of a call-back: it rings for 30 to 45 s, and after an accept the agent's leg comes first."""

CALLBACK_LIFE = routing.LONGEST_DURATION
"""From the time at which a call-back may first be dialled: closed hours and an unanswered crm put it off no further."""

SHORTEST_REST = timedelta(seconds=5)
"""Until a call-back that was put off is looked at again: where channels' clock is behind ours, the time at which it
says that hours open is past already, and without a rest the agent would be kept and given back over and over."""

DESK_GRACE = timedelta(seconds=30)
"""A page reload or a change of network lasts seconds; nobody shall lose an offer or wrap-up to it."""

CALL_IN_LIFE = timedelta(hours=12)
"""An agent who is called in: a night, or a shift and the way to it. Who has not come by then must be asked anew."""

TOMBSTONE_LIFE = timedelta(hours=24)
"""A delayed saga step is repeated by its sender for hours at most."""

MAX_TOMBSTONES = 100_000
"""About 30 MB in one partition; beyond it the oldest goes early, which is counted."""

TOMBSTONES_PER_COMMAND = 100
"""Keeps the records of one command far below the ledger's 192 KiB."""

LOST_DESKS_PER_COMMAND = 100
"""A console may hold more desks; the rest still refers to the lost peer, so it is reported lost again."""

DEVICES_PER_COMMAND = 100
"""Telephones in one report of a gateway; it has more, the rest comes with the next."""

MAX_GATEWAYS_PER_AGENT = 4
"""Gateways at which an agent's telephone is registered at a time: two that stand in for each other, and a move to two
others. It bounds the agent's row."""

LOST_CALLS_PER_COMMAND = 16
"""Calls that are taken from lost telephones at once; a contact that then leaves its queue counts as four. The rest
follows with the next command."""

LEAVING_PER_COMMAND = 4
"""Contacts that leave an unstaffed or overflowing queue at once: with the longest rings of the next, 192 KiB hold no
more."""

NEXT_LEAVING = timedelta(milliseconds=50)
"""Until the next ones leave; other commands come in between."""

OVERFLOW_LOOK = timedelta(seconds=5)
"""Until a queue that overflows is looked at again: help ends, or contacts try again to enter a queue that took none."""

OVERFLOW_EXAMINED = 24
"""Contacts that are looked at to find some whom the other queue takes, or for whom somebody is free."""

MAX_HELD_PER_AGENT = 4
"""Contacts held for one agent: who came after them would wait for that agent longer than for anybody else, and when the
agent signs out, all of them are offered elsewhere in one command of 192 KiB."""

NAMED_HOLD = timedelta(seconds=30)
"""For how long a queue without affinity holds a contact for the colleague whom an agent insisted on: a busy one may end
a conversation meanwhile, and a customer who was talking a moment ago bears no more."""

OFFERS_PER_HANDOUT = 24
"""Offers at once where more agents may take what waits: with the longest explanations two thirds of 192 KiB."""

NEXT_HANDOUT = timedelta(milliseconds=50)
"""Until the next contacts are handed out; other commands come in between."""

MAX_REQUIREMENT_SETS = 64
"""Bounds the heads that are compared when an agent becomes free (rule 6)."""

MAX_RINGING = 20
"""Agents at whom a contact of a ring-all queue rings at once: enough for any team that shares a telephone, and their
offers, each a record, fill a fifth of a command's 192 KiB. As many go on in one command from the first agent to others,
of all contacts that began to ring in it. Another value is another schema version: an index in
snapshots goes by it."""

OFFERS_TO_FREED = 16
"""Offers at once to agents of whom one accepted what rang at all of them; who is left is served by a handout."""

CANDIDATES = 10
"""Agents named in an explanation; keeps it below 4 KiB."""

CANDIDATES_SCANNED = 24
"""Agents looked at to name some that were not eligible; bounds the work of an offer."""

MAX_AGENTS_EXAMINED = 2_000
"""Agents looked at to say why a contact waits: a few milliseconds of the owner's time."""

MAX_LINES_EXAMINED = 1_000
"""Lines looked at to count who goes before a contact that waits."""

MAX_COUNTED_BEFORE = 1_000
"""Contacts counted that go before one that waits; nobody needs to know the number beyond."""

NAMED_PER_OBSTACLE = 3
"""Agents named for each reason why nobody takes a contact; the rest is a count."""

ROWS_PER_EVENT = 100
"""Rows of each kind in one RowsChanged; keeps it below the ledger's 64 KiB even with the longest ids."""

MAX_WRAP_UP_CODES = 1_000
"""Nobody chooses among more; bounds what a tenant keeps in memory."""

MAX_RING_NEEDS = 96
"""Requirements and terms in all rings of one contact: with the longest names they fill a third of an event."""

MAX_REQUIREMENTS = routing.MAX_REQUIREMENTS  # of a queue, and as many of a contact
MAX_SKILLS = 64

SHORTEST_HELD_EXCLUSION = timedelta(seconds=1)
"""An agent who did not take a contact that was held is not offered it at once, also where misses exclude nobody."""

MAX_PARKED_PER_AGENT = 20
"""Parked chats of one agent, with those that ended and are wrapped up: nobody keeps more conversations in mind, and it
bounds the agent's row. The next chat is not parked."""

RETURNED_CUSTOMER_WAIT = timedelta(minutes=2)
"""For how long the customer of a parked chat waits for room at its agent where the queue has no affinity."""

RETURN_RETRY = timedelta(seconds=5)
"""Until such a customer is tried again in a queue that took none."""

PROFILES_COMPARED = 64
"""Skill profiles of agents that are compared with the lines for a contact's position: those that most agents have.
Where no line comes or goes it is known which lines each can serve; else each costs one look at every line."""

LONGEST_DURATION = routing.LONGEST_DURATION
"""As in a definition, also until a call-back begins, and of an estimated wait."""

WAITS_REMEMBERED = 256
"""Of a queue, to estimate the next one: an hour or two of a busy queue, 256 pairs of integers."""

SIMILAR_WAITS = 64
"""Those with the nearest number ahead, of which quantiles are taken: fewer make P80 jump, more blur short and long
queues."""

FEWEST_WAITS = 8
"""Below it nothing is said about a wait."""

CAUTION_PERMILLE = 20
"""How much a miss of P80 changes the next one; more makes it jump, less makes it late (Gibbs and Candès 2021)."""

MAX_FOLLOWED = 32
"""Contacts that left a queue and are followed, so that also long waits are known; beyond it the first is let go."""
