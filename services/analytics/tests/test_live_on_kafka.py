"""analytics as it runs: a process of its own on real Kafka and a real store, killed in the middle, asked by REST."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from ledger_pens import LedgerPen
from published import read_topic
from service_processes import ServiceProcess
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.acd.v1.acd_types_pb2 import SegmentOutcome
from trunkline.common.v1.common_types_pb2 import Sealed
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.customer.v1.customer_events_pb2 import CustomerEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline.journal.v1.journal_events_pb2 import ContactJournalEvent
from trunkline.live.v1.live_types_pb2 import LiveAgent, LiveQueue
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent
from trunkline.topics import TOPICS
from trunkline_analytics.adapters.journals import JOURNAL_OF
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_platform.credentials import Credentials, Principal, Role
from waiting import until_told

SECRET = "a secret of this test, at least 32 bytes long"
CREDENTIALS = Credentials(SECRET.encode())
TENANT = "tn_a"
PATIENCE_S = 90.0
ACD, CONTACT, IVR = "acd.events.v1", "contact.events.v1", "ivr.events.v1"
TICKET, CUSTOMER = "ticket.events.v1", "customer.events.v1"
SEALED = Sealed(key_id="dk_1", nonce=b"0" * 12, ciphertext=b"1" * 17)
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Analytics(ServiceProcess):
    """The service in its process, and the pen of those whose ledgers it reads."""

    def __init__(self, folder: Path, kafka: KafkaNode, mongo_url: str, database: str) -> None:
        self.kafka = kafka.bootstrap
        self.pen = LedgerPen(kafka.bootstrap, TENANT)
        settings = {
            "TRUNKLINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TRUNKLINE_MONGO_URL": mongo_url,
            "TRUNKLINE_MONGO_DATABASE": database,
            "TRUNKLINE_SECRET": SECRET,
            "TRUNKLINE_ANALYTICS_WORK_DIR": str(folder / "faust"),
        }
        super().__init__("analytics", folder, settings)

    async def get(self, path: str, principal: Principal | None = None, **query: Any) -> httpx.Response:
        headers = {"tl-token": CREDENTIALS.issue(principal)} if principal else {}
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_S) as http:
            return await http.get(path, headers=headers, params=query)

    async def count(self, name: str, topic: str) -> float:
        """Return one of the counters that Prometheus would read."""
        wanted = f'trunkline_analytics_{name}_total{{topic="{topic}"}} '
        lines = (await self.get("/metrics")).text.splitlines()
        return next(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))

    async def void_by_projection(self) -> float:
        lines = (await self.get("/metrics")).text.splitlines()
        (line,) = (each for each in lines if each.startswith("trunkline_ledger_reader_void_records_total{"))
        return float(line.rsplit(" ", 1)[1])


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of this module alone: it writes in the name of all whose ledgers are read.

    Their ledgers were made beforehand, with another number of partitions than the catalogue's, as a user may do.
    """
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    made = [
        replace(TOPICS[name], partitions=TOPICS[name].partitions + 1) for name in (ACD, CONTACT, IVR, TICKET, CUSTOMER)
    ]
    asyncio.run(ensure_topics(node.bootstrap, made))
    yield node
    node.kill()


@pytest.fixture(scope="module")
def analytics(kafka: KafkaNode, mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analytics]:
    running = Analytics(tmp_path_factory.mktemp("analytics"), kafka, mongo_url, "analytics_live")
    yield running
    running.kill()


def rows(queue_id: str, waiting: int, *agent_ids: str) -> AcdEvent:
    event = AcdEvent()
    event.metadata.event_time.FromDatetime(NINE)
    event.rows_changed.queues.add(queue_id=queue_id, waiting=waiting)
    for agent_id in agent_ids:
        event.rows_changed.agents.add(agent_id=agent_id, connected=1)
    return event


async def newest(analytics: Analytics, topic: str, key: str) -> Any:
    """Return the last record with the key on a public topic."""
    found = [record for record in await read_topic(analytics.kafka, topic) if record.key == key.encode()]
    return found[-1] if found else None


async def shows(analytics: Analytics, queue_id: str, waiting: int) -> LiveQueue | None:
    record = await newest(analytics, "live.queues.v1", queue_id)
    live = LiveQueue.FromString(record.value) if record else None
    return live if live and live.row.waiting == waiting else None


# -- live tables --------------------------------------------------------------------------------------------------


async def test_rows_of_queues_and_agents_are_published_with_tenant_time_source_and_cloud_event(
    analytics: Analytics,
) -> None:
    await analytics.ready()
    offset = await analytics.pen.write(ACD, 0, rows("qu_rows", 3, "ag_rows"))
    queue = await until_told(lambda: shows(analytics, "qu_rows", 3))
    agent = LiveAgent.FromString((await until_told(lambda: newest(analytics, "live.agents.v1", "ag_rows"))).value)
    assert agent.row.connected == 1
    for live in (queue, agent):
        assert (live.tenant_id, live.event_time.ToDatetime(tzinfo=UTC)) == (TENANT, NINE)
        source = live.source
        assert (source.topic, source.partition, source.offset, source.epoch) == (ACD, 0, offset, 1)
    headers = dict((await newest(analytics, "live.queues.v1", "qu_rows")).headers)
    assert headers["ce_specversion"] == b"1.0"
    assert (headers["ce_type"], headers["ce_subject"]) == (b"trunkline.live.v1.LiveQueue", b"qu_rows")
    assert (headers["ce_source"], headers["content-type"]) == (b"trunkline/acd.events.v1", b"application/protobuf")
    assert (headers["ce_time"], headers["ce_id"][:3]) == (NINE.isoformat().encode(), b"ev_")


async def test_after_a_kill_in_the_middle_nothing_is_missing_and_no_old_epoch_is_believed(analytics: Analytics) -> None:
    await analytics.ready()
    await analytics.pen.write(ACD, 1, rows("qu_kill", 1))
    await until_told(lambda: shows(analytics, "qu_kill", 1))
    analytics.kill()
    await analytics.pen.write(ACD, 1, rows("qu_kill", 2))
    await analytics.pen.begin_epoch(ACD, 1, 2)
    await analytics.pen.write(ACD, 1, rows("qu_zombie", 9), epoch=1)
    await analytics.pen.write(ACD, 1, rows("qu_kill", 9), epoch=1)
    await analytics.pen.write(ACD, 1, rows("qu_after", 4))
    analytics.start()
    await analytics.ready()
    await until_told(lambda: shows(analytics, "qu_after", 4))
    assert await shows(analytics, "qu_kill", 2)
    assert await newest(analytics, "live.queues.v1", "qu_zombie") is None
    analytics.kill()  # between a marker and what a zombie writes later: the epoch must be remembered
    await analytics.pen.write(ACD, 1, rows("qu_zombie", 9), epoch=1)
    await analytics.pen.write(ACD, 1, rows("qu_after", 5))
    analytics.start()
    await analytics.ready()
    await until_told(lambda: shows(analytics, "qu_after", 5))
    assert await newest(analytics, "live.queues.v1", "qu_zombie") is None


async def test_records_without_a_valid_epoch_are_ignored_and_counted_by_tables_journal_and_projection(
    analytics: Analytics,
) -> None:
    await analytics.ready()
    await analytics.pen.write(ACD, 2, rows("qu_void", 1))
    await until_told(lambda: shows(analytics, "qu_void", 1))
    before = await analytics.count("void_records", ACD), await analytics.void_by_projection()
    ghost, type_header = rows("qu_void", 8).SerializeToString(), ("tl-type", b"trunkline.acd.v1.RowsChanged")
    for headers in ([], [type_header], [("tl-epoch", b"one"), type_header], [("tl-epoch", b"99"), type_header]):
        await analytics.pen.append(ACD, 2, ghost, headers)
    await analytics.pen.write(ACD, 2, rows("qu_after_void", 6))
    await until_told(lambda: shows(analytics, "qu_after_void", 6))
    assert await shows(analytics, "qu_void", 1)
    assert await analytics.count("void_records", ACD) == before[0] + 4

    async def is_counted() -> bool:
        return await analytics.void_by_projection() == before[1] + 4

    await until_told(is_counted)


# -- journal ------------------------------------------------------------------------------------------------------


async def test_the_journal_tells_a_contacts_life_from_three_ledgers_with_its_sources_and_without_commands(
    analytics: Analytics,
) -> None:
    await analytics.ready()
    contact_id = f"ct_{time.time_ns()}"
    opened, said, enqueued, begun = ContactEvent(), IvrEvent(), AcdEvent(), ContactEvent()
    opened.contact_opened.contact_id = said.text_said.contact_id = contact_id
    enqueued.contact_enqueued.contact_id = begun.step_begun.contact_id = contact_id
    places = {
        (CONTACT, 3, await analytics.pen.write(CONTACT, 3, opened)),
        (IVR, 3, await analytics.pen.write(IVR, 3, said)),
        (ACD, 3, await analytics.pen.write(ACD, 3, enqueued)),
    }
    await analytics.pen.write(CONTACT, 3, begun)
    await analytics.pen.write(ACD, 3, rows("qu_journal", 1, "ag_journal"))
    await until_told(lambda: shows(analytics, "qu_journal", 1))

    async def records() -> list[Any]:
        found = [
            each for each in await read_topic(analytics.kafka, "contact.journal.v1") if each.key == contact_id.encode()
        ]
        return found if len(found) >= len(places) else []

    found = await until_told(records)
    events = [ContactJournalEvent.FromString(record.value) for record in found]
    assert {(event.source.topic, event.source.partition, event.source.offset) for event in events} == places
    assert {event.WhichOneof("event") for event in events} == {"contact", "ivr", "acd"}
    for event, record in zip(events, found, strict=True):
        headers = dict(record.headers)
        assert event.metadata.command == b"" and event.metadata.tenant_id == TENANT
        assert (headers["ce_subject"], headers["ce_id"]) == (contact_id.encode(), event.metadata.event_id.encode())
        assert headers["ce_source"] == f"trunkline/{event.source.topic}".encode()
        assert headers["ce_type"].startswith(b"trunkline.")


def happened(area: str, subject: str) -> Any:
    """A text was written of a ticket or a customer."""
    if area == "ticket":
        noted = TicketEvent()
        noted.note_added.ticket_id, noted.note_added.note_id = subject, "no_1"
        noted.note_added.body.CopyFrom(SEALED)
        return noted
    changed = CustomerEvent()
    changed.profile_changed.customer_id = subject
    changed.profile_changed.name.CopyFrom(SEALED)
    return changed


async def journalled(analytics: Analytics, area: str, subject: str) -> list[Any]:
    """Return what a subscriber has of it who drops what is not above the highest offset of its source."""
    highest: dict[tuple[int, str, int], int] = {}
    kept = []
    for record in await read_topic(analytics.kafka, JOURNAL_OF[area].topic):
        event: Any = JOURNAL_OF[area].message.FromString(record.value)
        place = (record.partition, event.source.topic, event.source.partition)
        if event.source.offset > highest.get(place, -1):
            highest[place] = event.source.offset
            kept += [(record, event)] if record.key == subject.encode() else []
    return kept


@pytest.mark.parametrize(("area", "prefix"), [("ticket", "tk"), ("customer", "cu")])
async def test_subscribers_who_keep_the_highest_offset_have_each_event_of_a_ticket_or_customer_once_also_after_a_kill(
    analytics: Analytics, area: str, prefix: str
) -> None:
    await analytics.ready()
    topic, subject = f"{area}.events.v1", f"{prefix}_{time.time_ns()}"

    async def have(number: int) -> list[Any]:
        found = await journalled(analytics, area, subject)
        return found if len(found) >= number else []

    offsets = [await analytics.pen.write(topic, 1, happened(area, subject))]
    await until_told(lambda: have(1))
    analytics.kill()  # perhaps before it wrote down how far it is: then it tells the same again
    offsets.append(await analytics.pen.write(topic, 1, happened(area, subject)))
    await analytics.pen.begin_epoch(topic, 1, 2)
    await analytics.pen.write(topic, 1, happened(area, subject), epoch=1)  # a replaced owner's
    offsets.append(await analytics.pen.write(topic, 1, happened(area, subject)))
    analytics.start()
    found = await until_told(lambda: have(3))
    assert [event.source.offset for _, event in found] == offsets
    for record, event in found:
        inner = getattr(event, area)
        text = inner.note_added.body if area == "ticket" else inner.profile_changed.name
        assert text == SEALED
        assert (event.metadata.command, event.metadata.tenant_id, inner.HasField("metadata")) == (b"", TENANT, False)
        headers = dict(record.headers)
        assert (headers["ce_subject"], headers["ce_id"]) == (subject.encode(), event.metadata.event_id.encode())
        assert (headers["ce_source"], headers["ce_type"][:10]) == (f"trunkline/{topic}".encode(), b"trunkline.")


# -- dead letters -------------------------------------------------------------------------------------------------


async def test_a_valid_record_that_cannot_be_read_goes_to_the_dead_letters_of_tables_and_projection_and_all_go_on(
    analytics: Analytics,
) -> None:
    await analytics.ready()
    unknown = AcdEvent()
    unknown.segment_ended.contact_id, unknown.segment_ended.segment_no = "ct_unknown", 1
    outcome = await analytics.pen.write(ACD, 0, unknown)  # the journal can tell it, the segments' figures cannot
    headers = [("tl-epoch", b"1"), ("tl-type", b"trunkline.acd.v1.RowsChanged")]
    garbage = await analytics.pen.append(ACD, 0, b"\xff", headers)
    await analytics.pen.write(ACD, 0, rows("qu_after_garbage", 5))
    await analytics.pen.write(ACD, 0, segment("ct_after_garbage", "qu_after_garbage", NINE))
    await until_told(lambda: shows(analytics, "qu_after_garbage", 5))

    async def is_projected() -> bool:
        return bool(await segments(analytics, queue_id="qu_after_garbage"))

    await until_told(is_projected)
    dead = await dead_letters(analytics, ACD)
    buried = [(each.get("tl-projection", b"live"), int(each["tl-source-offset"])) for each in dead]
    assert set(buried) == {(b"live", garbage), (b"queue-segments", garbage), (b"queue-segments", outcome)}
    assert {(each["tl-reason"], each["tl-source-partition"]) for each in dead} == {(b"Poison", b"0")}
    assert (await analytics.count("dead_letters", ACD), await analytics.count("dead_letters", "segments")) == (1, 2)


@pytest.mark.parametrize(("area", "prefix"), [("ticket", "tk"), ("customer", "cu")])
async def test_a_record_that_a_journal_cannot_read_goes_to_the_dead_letters_and_the_next_is_told(
    analytics: Analytics, area: str, prefix: str
) -> None:
    await analytics.ready()
    topic, subject = f"{area}.events.v1", f"{prefix}_{time.time_ns()}"
    await analytics.pen.write(topic, 2, happened(area, subject))
    headers = [("tl-epoch", b"1"), ("tl-type", f"trunkline.{area}.v1.Example".encode())]
    garbage = await analytics.pen.append(topic, 2, b"\xff", headers)
    after = await analytics.pen.write(topic, 2, happened(area, subject))

    async def is_told() -> bool:
        return after in [event.source.offset for _, event in await journalled(analytics, area, subject)]

    await until_told(is_told)
    assert [int(each["tl-source-offset"]) for each in await dead_letters(analytics, topic)] == [garbage]


async def dead_letters(analytics: Analytics, source: str) -> list[dict[str, bytes]]:
    """Return the headers of those that stem from the ledger."""
    found = [dict(record.headers) for record in await read_topic(analytics.kafka, "analytics.dlq.v1")]
    return [headers for headers in found if headers["tl-source-topic"] == source.encode()]


# -- segments -----------------------------------------------------------------------------------------------------


def segment(contact_id: str, queue_id: str, at: datetime, tenant: str = TENANT) -> AcdEvent:
    event = AcdEvent()
    event.metadata.tenant_id = tenant
    event.metadata.event_time.FromDatetime(at)
    event.contact_enqueued.contact_id, event.contact_enqueued.segment_no = contact_id, 1
    event.contact_enqueued.queue_id = queue_id
    return event


def answered(contact_id: str, queue_id: str, at: datetime) -> AcdEvent:
    event = AcdEvent()
    event.metadata.event_time.FromDatetime(at)
    connected = event.contact_connected
    connected.contact_id, connected.segment_no, connected.queue_id, connected.agent_id = contact_id, 1, queue_id, "ag_1"
    return event


def abandoned(contact_id: str, queue_id: str, at: datetime) -> AcdEvent:
    event = AcdEvent()
    event.metadata.event_time.FromDatetime(at)
    ended = event.segment_ended
    ended.contact_id, ended.segment_no, ended.queue_id = contact_id, 1, queue_id
    ended.outcome = SegmentOutcome.SEGMENT_OUTCOME_ABANDONED
    return event


def who(role: Role, tenant: str = TENANT) -> Principal:
    return Principal(tenant, f"{role}:us_1", frozenset({role}))


SUPERVISOR = who(Role.SUPERVISOR)
DAY = {"start": NINE.isoformat(), "end": (NINE + timedelta(hours=8)).isoformat()}


async def segments(analytics: Analytics, principal: Principal = SUPERVISOR, **query: Any) -> list[dict[str, Any]]:
    answer = await analytics.get("/segments", principal, **{**DAY, **query})
    return list(answer.raise_for_status().json()["items"])


@pytest.fixture(scope="module")
def five() -> list[AcdEvent]:
    """Three answered after 10, 20 and 30 s, one abandoned after 40 s, one that still waits; and another tenant's."""
    story = [segment(f"ct_{number}", "qu_five", NINE + timedelta(minutes=number)) for number in range(5)]
    ends = [NINE + timedelta(minutes=number, seconds=10 * (number + 1)) for number in range(4)]
    story += [answered(f"ct_{number}", "qu_five", ends[number]) for number in range(3)]
    story += [abandoned("ct_3", "qu_five", ends[3]), segment("ct_other", "qu_five", NINE, tenant="tn_b")]
    return story


@pytest.fixture
async def told(analytics: Analytics, five: list[AcdEvent]) -> Analytics:
    """The five are in the read model; told only once in this module."""
    await analytics.ready()
    if len(await segments(analytics, queue_id="qu_five")) < 5:
        for event in five:
            await analytics.pen.write(ACD, 3, event)

    async def is_complete() -> bool:
        return [each["outcome"] for each in await segments(analytics, queue_id="qu_five")] == OUTCOMES

    await until_told(is_complete)
    return analytics


OUTCOMES = ["ANSWERED", "ANSWERED", "ANSWERED", "ABANDONED", None]


async def test_segments_are_read_by_the_time_they_opened_in_pages_and_by_queue(told: Analytics) -> None:
    found = await segments(told, queue_id="qu_five")
    assert [each["contact_id"] for each in found] == [f"ct_{number}" for number in range(5)]
    assert (found[0]["agent_id"], found[4]["closed_at"]) == ("ag_1", None)
    assert datetime.fromisoformat(found[0]["closed_at"]) - datetime.fromisoformat(found[0]["opened_at"]) == timedelta(
        seconds=10
    )
    late = NINE + timedelta(minutes=1, microseconds=1)
    after = await segments(told, queue_id="qu_five", start=late.isoformat())
    assert [each["contact_id"] for each in after] == ["ct_2", "ct_3", "ct_4"]
    until_then = await segments(told, queue_id="qu_five", end=late.isoformat())
    assert [each["contact_id"] for each in until_then] == ["ct_0", "ct_1"]
    assert await segments(told, queue_id="qu_nobody") == []
    pages: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await told.get("/segments", SUPERVISOR, **DAY, queue_id="qu_five", limit=2, cursor=cursor)).json()
        pages += [each["contact_id"] for each in page["items"]]
        cursor = page["next"]
    assert pages == [f"ct_{number}" for number in range(5)]


async def test_the_service_level_is_counted_over_the_segments(told: Analytics) -> None:
    found = (await told.get("/service-level", SUPERVISOR, **DAY, queue_id="qu_five", within_s=20)).json()
    assert (found["segments"], found["is_complete"], found["definition_version"]) == (5, True, 1)
    assert (found["answer_rate"], found["abandon_rate"], found["sl1"]) == (3 / 4, 1 / 4, 2 / 5)


async def test_figures_are_for_supervisors_administrators_and_services_of_the_tenant_alone(told: Analytics) -> None:
    for path in ("/segments", "/service-level"):
        for role in (Role.SUPERVISOR, Role.ADMIN, Role.SERVICE):
            assert (await told.get(path, who(role), **DAY)).status_code == 200
        for role in (Role.AGENT, Role.GATEWAY):
            refused = await told.get(path, who(role), **DAY)
            assert (refused.status_code, refused.json()["title"]) == (403, "Forbidden")
        refused = await told.get(path, **DAY)
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    (own,) = await segments(told, who(Role.SUPERVISOR, "tn_b"))
    assert own["contact_id"] == "ct_other"
    assert await segments(told, who(Role.SUPERVISOR, "tn_c")) == []


@pytest.mark.parametrize(
    "query, field",
    [
        ({"end": NINE.isoformat()}, "start"),
        ({**DAY, "start": "yesterday"}, "start"),
        ({**DAY, "start": "2026-01-05T09:00:00"}, "start"),
        ({**DAY, "end": "2026-01-05T09:00:00"}, "end"),
        ({**DAY, "queue_id": "q" * 129}, "queue_id"),
        ({**DAY, "limit": "0"}, "limit"),
        ({**DAY, "limit": "201"}, "limit"),
        ({**DAY, "cursor": "c" * 257}, "cursor"),
    ],
)
async def test_a_bad_parameter_is_refused_with_its_name(
    analytics: Analytics, query: dict[str, str], field: str
) -> None:
    await analytics.ready()
    refused = await analytics.get("/segments", SUPERVISOR, **query)
    assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_service_level_within_no_time_is_refused_with_its_name(analytics: Analytics) -> None:
    await analytics.ready()
    for within_s in ("0", "-1", "nan", "86401"):
        refused = await analytics.get("/service-level", SUPERVISOR, **DAY, within_s=within_s)
        assert (refused.status_code, refused.json().get("field")) == (422, "within_s"), refused.text
