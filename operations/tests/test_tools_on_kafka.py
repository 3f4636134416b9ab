"""The operator's tools on real brokers, with a ledger of tickets (ledger rules 9, 13, 15 and 22)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from ticket_writers import ticket_ledger, write_tickets
from trunkline.topics import TOPICS
from trunkline_core.errors import Conflict, Invalid, Misconfigured
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.audit.stored import Fingerprint, StoredRecord
from trunkline_ledger.core.records import EPOCH_HEADER, TYPE_HEADER
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_ledger.kafka.target import ClusterTarget
from trunkline_ledger.kafka.topics import ensure_topics, existing_topics, verify_topics
from trunkline_operator import copying
from trunkline_operator.commands import carry_out
from trunkline_operator.copying import copy
from trunkline_operator.installation import Installation
from trunkline_operator.replaying import replay
from trunkline_operator.skipping import skip
from trunkline_operator.tailing import tail
from trunkline_operator.verifying import verify

TOPIC = "ticket.events.v1"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker with the ledger of tickets, which its owner wrote in two epochs."""
    node = KafkaNode.start(tmp_path_factory.mktemp("source"))
    yield node
    node.kill()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[KafkaNode]:
    """An empty broker."""
    node = KafkaNode.start(tmp_path / "target")
    yield node
    node.kill()


@pytest.fixture
async def written(source: KafkaNode) -> AsyncIterator[str]:
    """The source's address, its ledger written and its owner gone."""
    async with ClusterHistoryOrNothing(source.bootstrap) as is_written:
        if not is_written:
            for name in ("one", "two"):
                async with ticket_ledger(source.bootstrap, name) as ledger:
                    await write_tickets(ledger, 30)
    yield source.bootstrap


class ClusterHistoryOrNothing:
    """Whether the ledger stands there already."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers

    async def __aenter__(self) -> bool:
        try:
            async with ClusterHistory(self._bootstrap_servers, [TOPIC]) as history:
                return any((await history.ends(TOPIC)).values())
        except Misconfigured:
            return False

    async def __aexit__(self, *_: object) -> None: ...


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


async def states_of(kafka: str, capsys: pytest.CaptureFixture[str]) -> object:
    async with ClusterHistory(kafka, [TOPIC]) as history:
        assert await replay(history, [TOPIC]) == 0
    return last_line(capsys)["states"]


async def test_a_copy_is_the_ledger_byte_for_byte_and_serves_on(
    written: str, target: KafkaNode, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await copy(written, target.bootstrap, [TOPIC], 1) == 0
    copied = last_line(capsys)
    async with ClusterHistory(written, [TOPIC]) as history:
        assert await verify(history, [TOPIC], written) == 0
    assert last_line(capsys) == copied
    states = await states_of(written, capsys)
    assert await states_of(target.bootstrap, capsys) == states
    await verify_topics(target.bootstrap, [TOPICS[TOPIC]])
    async with ticket_ledger(target.bootstrap, "three") as ledger:
        await write_tickets(ledger, 6)
    async with ClusterHistory(target.bootstrap, [TOPIC]) as history:
        assert await verify(history, [TOPIC], target.bootstrap) == 0


async def test_a_copy_that_lost_one_record_or_its_time_is_another() -> None:
    first, late, shorter = Fingerprint(), Fingerprint(), Fingerprint()
    record = (await _some_records())[0]
    first.add([record, replace(record, offset=1)])
    late.add([record, replace(record, offset=1, timestamp_ms=record.timestamp_ms + 1)])
    shorter.add([record])
    assert len({str(first), str(late), str(shorter)}) == 3


async def _some_records() -> list[StoredRecord]:
    return [StoredRecord(0, 1_700_000_000_000, b"key", b"value", (("tl-epoch", b"1"),))]


async def test_a_target_that_holds_anything_is_refused_untouched(written: str, target: KafkaNode) -> None:
    await ensure_topics(target.bootstrap, [TOPICS[TOPIC]])
    async with AIOKafkaProducer(bootstrap_servers=target.bootstrap) as producer:
        await producer.send_and_wait(TOPIC, b"theirs", partition=2)
    with pytest.raises(Misconfigured, match=r"is not empty: nothing was written"):
        await copy(written, target.bootstrap, [TOPIC], 1)
    async with ClusterHistory(target.bootstrap, [TOPIC]) as history:
        assert await history.ends(TOPIC) == {0: 0, 1: 0, 2: 1, 3: 0}


async def test_nothing_is_copied_beside_what_another_ledger_led_to(written: str, target: KafkaNode) -> None:
    """Live tables name offsets of the ledgers that they were made of, and would have begun behind the copied ones."""
    await ensure_topics(target.bootstrap, [TOPICS["live.queues.v1"]])
    async with AIOKafkaProducer(bootstrap_servers=target.bootstrap) as producer:
        await producer.send_and_wait("live.queues.v1", b"old", b"qu_1")
    with pytest.raises(Misconfigured, match=r"live\.queues\.v1 at .* is not empty: nothing was written"):
        await copy(written, target.bootstrap, [TOPIC], 1)
    assert TOPIC not in await existing_topics(target.bootstrap)


async def test_another_number_of_partitions_is_refused(written: str, target: KafkaNode) -> None:
    await ensure_topics(target.bootstrap, [replace(TOPICS[TOPIC], partitions=3)])
    with pytest.raises(Misconfigured, match=r"it must have 4 partitions, and has 3"):
        await copy(written, target.bootstrap, [TOPIC], 1)


async def test_the_cluster_itself_is_no_target(written: str) -> None:
    with pytest.raises(Misconfigured, match=r"is the cluster that would be copied"):
        await copy(written, written, [TOPIC], 1)


async def test_a_copy_that_was_not_finished_starts_no_service(written: str, target: KafkaNode) -> None:
    async with ClusterTarget(target.bootstrap) as half, ClusterHistory(written, [TOPIC]) as history:
        await half.prepare([TOPICS[TOPIC]])
        async for records in history.records(TOPIC, 0):
            await half.append(TOPIC, 0, records)
    with pytest.raises(Misconfigured, match=r"message.timestamp.type=CreateTime, it must be LogAppendTime"):
        async with ticket_ledger(target.bootstrap):
            pass


async def test_a_ledger_that_grows_while_it_is_copied_is_left_unusable(
    written: str, target: KafkaNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all = copying.write_all

    async def write_while_served(*arguments: object) -> None:
        await write_all(*arguments)  # type: ignore[arg-type]
        async with ticket_ledger(written, "four") as ledger:
            await write_tickets(ledger, 6)

    monkeypatch.setattr(copying, "write_all", write_while_served)
    with pytest.raises(Misconfigured, match=r"was written to while it was copied"):
        await copy(written, target.bootstrap, [TOPIC], 1)
    with pytest.raises(Misconfigured, match=r"message.timestamp.type=CreateTime"):
        await verify_topics(target.bootstrap, [TOPICS[TOPIC]])


async def test_settings_that_may_lose_records_are_a_problem(
    target: KafkaNode, capsys: pytest.CaptureFixture[str]
) -> None:
    async with ClusterTarget(target.bootstrap) as half:
        await half.prepare([TOPICS[TOPIC]])
    async with ClusterHistory(target.bootstrap, [TOPIC]) as history:
        assert await verify(history, [TOPIC], target.bootstrap) == 1
    assert "TopicSettings at ticket.events.v1" in capsys.readouterr().out


async def test_a_tail_begins_where_it_is_told_and_marks_what_is_void(
    written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=written) as producer:
        sent = await producer.send_and_wait(
            TOPIC, b"\x00zombie", b"k", 1, headers=[("tl-epoch", b"1"), ("tl-type", b"x")]
        )
    await tail(written, TOPIC, 1, 0, follow=False)
    whole = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    await tail(written, TOPIC, 1, sent.offset - 1, follow=False)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == whole[sent.offset - 1 :]
    assert (whole[0]["verdict"], whole[0]["content"]["instance_id"]) == ("marker", "ticketing-one")
    zombie = whole[sent.offset]
    assert (zombie["verdict"], zombie["content"]) == ("void", {"undecodable": "7 bytes"})
    created = next(line for line in whole if line["type"] == "trunkline.ticket.v1.TicketCreated")
    assert created["content"]["command"]["payload"]["create_ticket"]["contact_id"] == "ct_1"
    assert "sealed beyond" not in json.dumps(whole)


def test_what_is_not_there_is_one_sentence(target: KafkaNode, tmp_path: Path) -> None:
    installation = Installation(target.bootstrap, "mongodb://127.0.0.1:1/", "trunkline", tmp_path, tmp_path / "keys")
    with pytest.raises(Misconfigured, match=r"^The topic ticket.events.v1 does not exist at "):
        carry_out(["ledger", "verify", TOPIC], installation)
    with pytest.raises(Misconfigured, match=r"^live.queues.v1 is no ledger: choose from "):
        carry_out(["ledger", "replay", "live.queues.v1"], installation)
    with pytest.raises(Misconfigured, match=r"^No Kafka broker answers at 127.0.0.1:1\.$"):
        carry_out(["ledger", "tail", TOPIC, "--kafka", "127.0.0.1:1"], installation)
    with pytest.raises(Misconfigured, match=r"^ticket.events.v1/0/7 would be let go for good and by every reader"):
        carry_out(["ledger", "skip", TOPIC, "0", "7", "--reason", "r", "--operator", "o"], installation)


async def test_a_record_that_stopped_a_partition_is_let_go_and_the_ledger_serves_on(
    target: KafkaNode, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka = target.bootstrap
    async with ticket_ledger(kafka) as ledger:
        await write_tickets(ledger, 12)
        epoch = ledger.core(0).fold.epochs.epoch
        async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
            headers = [(EPOCH_HEADER, b"%d" % epoch), (TYPE_HEADER, b"trunkline.ticket.v1.TicketCreated")]
            sent = await producer.send_and_wait(TOPIC, b"\xff no event", key=b"tn_0", partition=0, headers=headers)
        async with asyncio.timeout(30):
            while ledger.is_caught_up():
                await asyncio.sleep(0.02)
        with pytest.raises(Invalid, match="offset"):
            await skip(kafka, TOPIC, 0, sent.offset + 10, "garbage of a test", "sre", following_count=0)
        await skip(kafka, TOPIC, 0, sent.offset, "garbage of a test", "sre", following_count=0)
        assert last_line(capsys)["let_go"] == sent.offset
        async with asyncio.timeout(30):
            while not (ledger.is_caught_up() and len(ledger.owned) == 4):
                await asyncio.sleep(0.02)
        await write_tickets(ledger, 12)
        with pytest.raises(Conflict):
            await skip(kafka, TOPIC, 0, sent.offset, "garbage of a test", "sre", following_count=0)
    async with ClusterHistory(kafka, [TOPIC]) as history:
        assert await verify(history, [TOPIC], kafka) == 0
        assert await replay(history, [TOPIC]) == 0
