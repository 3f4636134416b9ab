"""Traces of personal data: the forms in which a value may be written, and the places where one was found.

Owns: forms, and how files, topics, metrics and documents are searched. Must not: know which places may hold what.

A value is searched word by word, in either case, so that a cut or put-together text is found too.
"""

import base64
import json
import os
import secrets
import sys
import urllib.parse
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient
from trunkline_launcher.layout import SERVICES, Layout

BEGINNING_BYTES = 8
CHARSETS = ("utf-8", "utf-16-le", "utf-16-be")
OFFSETS_ONLY = (".index", ".timeindex", ".snapshot")  # of a log segment: positions and producer ids, no records
LATIN = "bcdfghjkmnpqrstvwxzBCDFGHJKMNPQRSTVWXZ"
HAN = "赵钱孙周吴郑冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚"


def new_word(length: int = 14) -> str:
    """Return a word that stands nowhere else."""
    return "".join(secrets.choice(LATIN) for _ in range(length))


def new_text() -> str:
    """Return a text in both scripts whose every word stands nowhere else."""
    return f"{new_word()} {''.join(secrets.choice(HAN) for _ in range(6))}"


def new_phone() -> str:
    """Return a telephone number as a gateway writes it."""
    return f"+8613{secrets.randbelow(10**12):012}"


@dataclass(frozen=True, slots=True)
class Trace:
    """One find: where, of which value, in which form."""

    place: str
    value: str
    form: str


class Traces:
    """Searches for values. `values`: what each is called → the value."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    @cached_property
    def _forms(self) -> list[tuple[str, str, bytes]]:
        """What it is called, the form's name, and the form in lower case."""
        words = [(name, word) for name, value in self.values.items() for word in value.lstrip("+").split()]
        return [(name, form, needle) for name, word in words for needle, form in forms_of(word).items()]

    @cached_property
    def _by_beginning(self) -> dict[int, list[int]]:
        """The forms, by number, that begin with the same eight bytes."""
        found: dict[int, list[int]] = {}
        for number, (_, form, needle) in enumerate(self._forms):
            assert len(needle) >= BEGINNING_BYTES, f"{form} is too short to be searched for"
            found.setdefault(int.from_bytes(needle[:BEGINNING_BYTES], sys.byteorder), []).append(number)
        return found

    @cached_property
    def _beginnings(self) -> frozenset[int]:
        return frozenset(self._by_beginning)

    def _suspects(self, lowered: bytes) -> list[tuple[str, str, bytes]]:
        """Return the forms whose beginning stands in the bytes: thousands of forms need one pass, not one each."""
        numbers = set[int]()
        for shift in range(BEGINNING_BYTES):
            end = len(lowered) - (len(lowered) - shift) % BEGINNING_BYTES
            if shift < end:
                found = self._beginnings.intersection(memoryview(lowered[shift:end]).cast("Q"))
                numbers.update(number for beginning in found for number in self._by_beginning[beginning])
        return [self._forms[number] for number in sorted(numbers)]

    def of(self, *names: str) -> "Traces":
        """Return the same search for some of the values."""
        return Traces({name: self.values[name] for name in names})

    def in_bytes(self, place: str, content: bytes) -> Iterator[Trace]:
        """Yield which values stand in some bytes, each once."""
        lowered, found = content.lower(), set()
        for name, form, needle in self._suspects(lowered):
            if name not in found and needle in lowered:
                found.add(name)
                yield Trace(place, name, form)

    def in_json(self, place: str, content: object) -> Iterator[Trace]:
        """Yield what stands in an answer."""
        return self.in_bytes(place, json.dumps(content, ensure_ascii=False, default=str).encode())

    def in_folder(self, folder: Path, without: Collection[Path] = ()) -> Iterator[Trace]:
        """Yield what stands in the files of a folder, their names included."""
        for path in files_of(folder, without):
            yield from self.in_bytes(f"name of {path}", os.fsencode(path.relative_to(folder)))
            yield from self.in_bytes(str(path), path.read_bytes())

    async def in_kafka(self, bootstrap_servers: str) -> Iterator[Trace]:
        """Return what stands in the records of every topic as clients get them, and in the names of topics and groups.

        Clients unpack compressed batches, which a search of the files would miss.
        """
        places, names = await _contents(bootstrap_servers)
        found = [trace for name in names for trace in self.in_bytes("names in Kafka", name.encode())]
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False) as consumer:
            async for place, content in _records(consumer, places):
                found += self.in_bytes(place, content)
        return iter(found)

    def in_metrics(self, layout: Layout) -> Iterator[Trace]:
        """Yield what stands in the metrics of every service."""
        for service in SERVICES:
            answer = httpx.get(f"{layout.http_url(service)}/metrics", timeout=30)
            assert answer.status_code == 200 and b"trunkline_" in answer.content, service
            yield from self.in_bytes(f"metrics of {service}", answer.content)

    def in_store(self, url: str) -> Iterator[Trace]:
        """Yield what stands in the store's documents; places are `collection.dotted.path`."""
        for collection, document in documents_of(url):
            yield from self.in_document(collection, document)

    def in_document(self, place: str, value: object) -> Iterator[Trace]:
        """Yield what stands in a document, at the path of the field that holds it; field names are values too."""
        match value:
            case Mapping():
                for name, inner in value.items():
                    yield from self.in_bytes(f"{place}.{name}", str(name).encode())
                    yield from self.in_document(f"{place}.{name}", inner)
            case list() | tuple():
                for inner in value:
                    yield from self.in_document(place, inner)
            case bytes():
                yield from self.in_bytes(place, value)
            case _:
                yield from self.in_bytes(place, str(value).encode())


def forms_of(word: str) -> dict[bytes, str]:
    """Return each form a word may be written in and its name, in lower case: search lowered bytes."""
    found: dict[str, bytes] = {}
    for cased in dict.fromkeys((word, word.lower(), word.upper())):
        for charset in CHARSETS:
            raw = cased.encode(charset)
            found[f"{charset} {cased}"] = raw
            found[f"hex of {charset} {cased}"] = raw.hex().encode()
            found[f"hex with spaces of {charset} {cased}"] = raw.hex(" ").encode()
            for shift in range(3):
                plain, for_urls = _base64_within(raw, shift)
                found[f"base64+{shift} of {charset} {cased}"] = plain
                found[f"url-safe base64+{shift} of {charset} {cased}"] = for_urls
        found[f"url {cased}"] = urllib.parse.quote(cased).encode()
        found[f"every byte of url {cased}"] = "".join(f"%{byte:02x}" for byte in cased.encode()).encode()
        found[f"JSON {cased}"] = json.dumps(cased)[1:-1].encode()
        found[f"every character of JSON {cased}"] = "".join(f"\\u{ord(letter):04x}" for letter in cased).encode()
        found[f"repr of bytes {cased}"] = repr(cased.encode())[2:-1].encode()
    return {needle.lower(): form for form, needle in reversed(found.items())}


def _base64_within(raw: bytes, shift: int) -> tuple[bytes, bytes]:
    """Return what base64 certainly holds of `raw` when it begins at a byte whose place is `shift` modulo 3."""
    whole = len(raw) - (shift + len(raw)) % 3
    first = -(-shift * 8 // 6)
    padded = b"\0" * shift + raw[:whole]
    return base64.b64encode(padded)[first:], base64.urlsafe_b64encode(padded)[first:]


def files_of(folder: Path, without: Collection[Path] = ()) -> Iterator[Path]:
    """Yield every file that may hold a record."""
    for path in sorted(folder.rglob("*")):
        is_left_out = path.suffix in OFFSETS_ONLY or any(path.is_relative_to(other) for other in without)
        if path.is_file() and not is_left_out:
            yield path


def documents_of(url: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every document of every database with the name of its collection."""
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    try:
        for database in client.list_database_names():
            for name in client[database].list_collection_names():
                for document in client[database][name].find():
                    yield name, document
    finally:
        client.close()


async def _records(consumer: AIOKafkaConsumer, places: Collection[TopicPartition]) -> AsyncIterator[tuple[str, bytes]]:
    """Yield where each record stands, and its key, value and headers.

    All partitions at once: one after another, each would wait for the last one's fetch.
    """
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    ends = await consumer.end_offsets(places)
    unread = set(places)
    while unread := {place for place in unread if await consumer.position(place) < ends[place]}:
        for place, records in (await consumer.getmany(*unread, timeout_ms=500)).items():
            for record in records:
                headers = [part for name, value in record.headers for part in (name.encode(), value or b"")]
                content = b"\n".join((record.key or b"", record.value or b"", *headers))
                yield f"{place.topic}/{place.partition}/{record.offset}", content


async def _contents(bootstrap_servers: str) -> tuple[list[TopicPartition], list[str]]:
    """Return all partitions, and the names of topics and consumer groups."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        topics = await admin.list_topics()
        groups = [str(group[0]) for group in await admin.list_consumer_groups()]
        described = await admin.describe_topics(topics)
    finally:
        await admin.close()
    assert groups, "a running centre has consumer groups"
    places = [TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]]
    return sorted(places), [*topics, *groups]
