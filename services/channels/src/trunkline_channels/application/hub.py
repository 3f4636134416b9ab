"""Who is told of which contacts: the streams of peers, and what each was told.

Owns: that each owned, effective change reaches the peer that holds the contact and whoever watches it; that a slow
reader gets the newest state only. Must not: open a sealed text or know protobuf.
"""

import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trunkline_ledger.submission import Recorded

from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.domain.contact import Contact, Message
from trunkline_channels.domain.events import Definition, Event
from trunkline_channels.domain.identity import partition_token
from trunkline_channels.domain.state import ChannelsState

PART_BYTES = 512 * 1024  # a gRPC message holds 1 MiB

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Telling:
    """What a stream is to be told: the contact, and its messages number `after + 1` to `upto`."""

    contact: Contact
    after: int
    upto: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A contact that the peer has and that left memory here long ago; `version` is above the peer's."""

    contact_id: str
    version: int


class Subscriber:
    """One stream: changed contacts wait here, newest state wins."""

    def __init__(self, tenant: str, peer_id: str) -> None:
        self.tenant = tenant
        self.peer_id = peer_id
        self.watched: frozenset[str] = frozenset()
        self._changed: dict[str, Contact] = {}
        self._gone: list[Gone] = []
        self._told: dict[str, int] = {}
        self._wake = asyncio.Event()

    def offer(self, contact: Contact) -> None:
        """Note a state to be told; an older one than waits already changes nothing."""
        waiting = self._changed.get(contact.contact_id)
        if waiting is None or waiting.version <= contact.version:
            self._changed[contact.contact_id] = contact
            self._wake.set()

    def miss(self, contact_id: str, version: int) -> None:
        """Note a contact that the peer has in this version and that is not there."""
        self._gone.append(Gone(contact_id, version + 1))
        self._wake.set()

    def has_more_of(self, contact_id: str) -> bool:
        """Tell whether a newer state of the contact waits, or more of its conversation."""
        return contact_id in self._changed

    def forget(self, contact_id: str) -> None:
        """The contact left memory, or is to be told from the start."""
        self._told.pop(contact_id, None)

    async def next(self) -> Telling | Gone:
        """Wait for a contact to tell of. A long conversation comes in several parts."""
        while not self._changed:
            if self._gone:
                return self._gone.pop()
            self._wake.clear()
            await self._wake.wait()
        contact_id = next(iter(self._changed))
        contact = self._changed.pop(contact_id)
        after = self._told.get(contact_id, 0)
        upto = part_of(contact.messages, after)
        self._told[contact_id] = upto
        if upto < len(contact.messages):
            self.offer(contact)
        return Telling(contact, after, upto)


def part_of(messages: Sequence[Message], after: int) -> int:
    """Return up to which message, from number `after` on, one push may go: at least one, else at most 512 KiB."""
    size_bytes, upto = 0, after
    for message in messages[after:]:
        size_bytes += message.size_bytes
        if upto > after and size_bytes > PART_BYTES:
            break
        upto += 1
    return upto


class Hub:
    """All streams of this replica."""

    def __init__(self, ledger: ChannelsLedger) -> None:
        self._ledger = ledger
        self._by_peer: dict[tuple[str, str], set[Subscriber]] = {}
        self._by_contact: dict[str, set[Subscriber]] = {}
        ledger.watch(self._on_events)
        ledger.on_owned(self._on_owned)

    async def subscribe(self, tenant: str, peer_id: str, known: Mapping[str, int] | None = None) -> Subscriber:
        """Begin a stream: it is told of every contact the peer holds in the partitions owned here.

        `known` are the versions of the contacts that the peer has: what is not newer is left out, what is not there
        any more is told to be over.
        """
        subscriber = Subscriber(tenant, peer_id)
        self._by_peer.setdefault((tenant, peer_id), set()).add(subscriber)
        try:
            await self._resync(subscriber, known or {})
        except BaseException:
            self.unsubscribe(subscriber)
            raise
        return subscriber

    async def _resync(self, subscriber: Subscriber, known: Mapping[str, int]) -> None:
        """Also contacts that closed lately: the peer may not have heard of it."""
        by_partition: dict[int, list[str]] = {}
        for contact_id in known:
            by_partition.setdefault(self._ledger.partition_of(partition_token(contact_id)), []).append(contact_id)
        for partition in self._ledger.owned:
            rows = await self._ledger.read(partition, lambda state: {row.contact_id: row for row in _rows(state)})
            for contact in rows.values():
                if contact.peer_id == subscriber.peer_id and contact.version > known.get(contact.contact_id, 0):
                    self._tell(subscriber, contact)
            for contact_id in by_partition.get(partition, ()):
                if contact_id not in rows or rows[contact_id].tenant != subscriber.tenant:
                    subscriber.miss(contact_id, known[contact_id])

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """End a stream."""
        _discard(self._by_peer, (subscriber.tenant, subscriber.peer_id), subscriber)
        for contact_id in subscriber.watched:
            _discard(self._by_contact, contact_id, subscriber)

    async def watch(self, subscriber: Subscriber, contact_ids: Iterable[str]) -> None:
        """Replace the contacts that the stream watches; the new ones are told from their first message on."""
        wanted = frozenset(contact_ids)
        fresh = wanted - subscriber.watched
        for contact_id in subscriber.watched - wanted:
            _discard(self._by_contact, contact_id, subscriber)
        for contact_id in fresh:
            self._by_contact.setdefault(contact_id, set()).add(subscriber)
        subscriber.watched = wanted
        for contact_id in sorted(fresh):
            await self._tell_of(subscriber, contact_id)

    async def _tell_of(self, subscriber: Subscriber, contact_id: str) -> None:
        partition = self._ledger.partition_of(partition_token(contact_id))
        if not self._ledger.owns(partition):
            return
        contact = await self._ledger.read(partition, lambda state: state.contacts.get(contact_id))
        if contact is not None:
            subscriber.forget(contact_id)
            self._tell(subscriber, contact)

    def remind(self, contact: Contact) -> None:
        """Tell the contact's peer again: what it is shown beside the row has changed."""
        for subscriber in self._by_peer.get((contact.tenant, contact.peer_id), ()):
            subscriber.offer(contact)

    def _on_events(self, partition: int, recorded: Sequence[Recorded[Event]]) -> None:
        """The state is settled while watchers run: rows taken here are durable (ledger rule 8)."""
        if not self._ledger.owns(partition):
            return
        rows = self._ledger.state(partition).contacts
        changed = {one.event.contact_id: None for one in recorded if not isinstance(one.event, Definition)}
        for contact_id in changed:
            contact = rows.get(contact_id)
            if contact is not None:
                self._tell_all(contact)
            else:
                self._forget(contact_id)

    def _forget(self, contact_id: str) -> None:
        """The contact left memory."""
        for subscribers in self._by_peer.values():
            for subscriber in subscribers:
                subscriber.forget(contact_id)

    def _on_owned(self, partition: int) -> None:
        for contact in self._ledger.state(partition).contacts.values():
            self._tell_all(contact)

    def _tell_all(self, contact: Contact) -> None:
        for subscriber in self._by_peer.get((contact.tenant, contact.peer_id), ()):
            subscriber.offer(contact)
        for subscriber in self._by_contact.get(contact.contact_id, ()):
            self._tell(subscriber, contact)

    def _tell(self, subscriber: Subscriber, contact: Contact) -> None:
        """Another tenant's contact looks like none."""
        if contact.tenant == subscriber.tenant:
            subscriber.offer(contact)


def _rows(state: ChannelsState) -> Iterable[Contact]:
    return state.contacts.values()


def _discard(index: dict[K, set[Subscriber]], key: K, subscriber: Subscriber) -> None:
    subscribers = index.get(key, set())
    subscribers.discard(subscriber)
    if not subscribers:
        index.pop(key, None)
