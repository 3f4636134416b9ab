"""`trunkline explain`: a contact's offers from acd's ledger, and what the running acd says of one that waits."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from trunkline.acd.v1 import acd_types_pb2 as acd
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_acd.adapters.wire import CODEC
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    ContactConnected,
    ContactForgotten,
    ContactOffered,
    ContactReleased,
    Event,
    OfferAccepted,
    OfferEnded,
)
from trunkline_acd.domain.words import Candidate, Explanation, OfferEndReason
from trunkline_core.errors import Misconfigured, Transient
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_operator.commands import carry_out
from trunkline_operator.explaining import ask_acd, explain
from trunkline_operator.installation import Installation

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
CONTACT, TENANT = "ct_1", "tn_1"
WHY = Explanation(
    policy_version=1,
    trigger="ContactArrived",
    value_score_permille=0,
    urgency_score_permille=0,
    wait_score_permille=0,
    waiting_count=0,
    candidates=(Candidate("ag_7", "", 250_000), Candidate("ag_9", "IdleShorter", 230_000)),
)


class Stored:
    """One record of a played ledger."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def read(self, partition: int) -> Record:
        return self._record


class Source:
    """acd's ledger: events of tenants under one epoch, and one of a writer that had lost it."""

    def __init__(self, *events: Event, tenant: str = TENANT, void: Sequence[Event] = ()) -> None:
        marker = Marker(epoch=2, boot_id="b", instance_id="i", address="127.0.0.1:1", min_reader=1)
        self._records = [Record(0, 0, b"*", marker.SerializeToString(), T0, 2, MARKER_TYPE)]
        self.add(*events, tenant=tenant)
        self.add(*void, tenant=tenant, epoch=1)

    def add(self, *events: Event, tenant: str, epoch: int = 2) -> None:
        for event in events:
            offset = len(self._records)
            time = T0 + timedelta(seconds=offset)
            metadata = Metadata(f"e{offset}", "s", offset, time, tenant, "system", "", "", epoch, False, b"")
            value = CODEC.encode_event(event, metadata)
            self._records.append(Record(0, offset, b"rd_1", value, time, epoch, CODEC.event_type(event)))

    async def ends(self, topic: str) -> dict[int, int]:
        return {0: len(self._records)}

    async def records(self, topic: str, partition: int) -> AsyncIterator[list[Stored]]:
        yield [Stored(record) for record in self._records]


def offered(offer_no: int = 1, agent_id: str = "ag_7") -> ContactOffered:
    return ContactOffered(CONTACT, "qu_sales", 1, offer_no, agent_id, Channel.VOICE, T0 + timedelta(seconds=20), WHY)


def declined(offer_no: int = 1, agent_id: str = "ag_7") -> OfferEnded:
    return OfferEnded(CONTACT, 1, offer_no, agent_id, OfferEndReason.DECLINED, False, None)


ANSWERED = (
    OfferAccepted(CONTACT, 1, 1, "ag_7", T0),
    ContactConnected(CONTACT, 2, "qu_sales", 1, 1, "ag_7", timedelta(seconds=3)),
)


async def nobody_asked(tenant: str, contact_id: str) -> Any:
    raise AssertionError("a contact that is over concerns the ledger alone")


async def away(tenant: str, contact_id: str) -> Any:
    raise Transient("acd is stopped")


async def said(capsys: Any, source: Any, ask: Any = nobody_asked, lang: Any = "en", tenant: str = "") -> list[str]:
    await explain(source, CONTACT, tenant, lang, T0 + timedelta(seconds=60), ask, only_json=False)
    lines: list[str] = capsys.readouterr().out.splitlines()
    return lines


async def test_a_contact_that_is_over_says_why_from_the_ledger_alone(capsys):
    over = (
        ContactReleased(CONTACT, "ag_7", "qu_sales", False, None),
        ContactForgotten(CONTACT, 3, "x"),
    )
    lines = await said(capsys, Source(offered(), *ANSWERED, *over))
    assert lines[:2] == [
        "ag_7 got it, when it arrived: of 2 who could, the one idle for longest (4 min 10 s).",
        "Not ag_9: idle for 20 s less.",
    ]
    assert lines[-1] == "It is over."


async def test_all_offers_are_told_in_order_also_where_acd_remembers_fewer(capsys):
    source = Source(*(event for number in range(1, 14) for event in (offered(number), declined(number))))

    async def present(tenant: str, contact_id: str) -> acd.ContactExplanation:
        assert (tenant, contact_id) == (TENANT, CONTACT)
        obstacle = acd.Obstacle(reason="ExcludedAfterMiss", agent_count=1, agent_ids=["ag_7"])
        reasons = acd.WaitingReasons(agent_count=1, examined_count=1, matching_count=1, obstacles=[obstacle])
        return acd.ContactExplanation(
            contact_id=contact_id, stage=acd.CONTACT_STAGE_WAITING, queue_id="qu_sales", offer_count=13, waiting=reasons
        )

    lines = await said(capsys, source, present)
    assert sum(line.startswith("ag_7 was asked and declined") for line in lines) == 13
    assert any("1 who just passed on this contact (ag_7)" in line for line in lines)


async def test_while_acd_is_stopped_the_ledger_says_what_it_knows(capsys):
    lines = await said(capsys, Source(offered(), declined()), away, "zh")
    assert lines[0].startswith("曾分配给 ag_7，对方拒接")
    assert lines[-1] == "路由服务没有应答，无法得知它现在为什么等待。"


async def test_what_a_writer_without_the_epoch_wrote_is_no_offer(capsys):
    lines = await said(capsys, Source(offered(), void=[offered(2, "ag_zombie")]), away)
    assert not any("ag_zombie" in line for line in lines)


async def test_contacts_of_two_tenants_are_told_apart(capsys):
    source = Source(offered(), *ANSWERED)
    source.add(offered(agent_id="ag_other"), tenant="tn_2")
    with pytest.raises(Misconfigured, match="say --tenant tn_1 or tn_2"):
        await said(capsys, source, away)
    assert (await said(capsys, source, away, tenant="tn_2"))[0].startswith("ag_other is being asked")


async def test_an_unknown_contact_is_one_sentence(capsys):
    with pytest.raises(Misconfigured, match=r'^The ledger of acd has no contact "ct_1"\.$'):
        await said(capsys, Source())


async def test_as_json_facts_and_sentences_stand_on_one_line(capsys):
    await explain(Source(offered()), CONTACT, "", "en", T0, away, only_json=True)  # type: ignore[arg-type]
    found = json.loads(capsys.readouterr().out)
    assert (found["facts"]["stage"], found["facts"]["offers"][0]["outcome"]) == ("OFFERED", "RINGING")
    assert found["sentences"][0].startswith("ag_7 is being asked")


async def test_without_a_centre_nobody_is_asked(tmp_path: Path):
    places = Installation("nowhere:1", "mongodb://nowhere", "none", tmp_path, None)
    with pytest.raises(OSError, match="secret"):
        await ask_acd(places, TENANT, CONTACT)
    places.secret.write_text("a secret of at least thirty-two bytes")
    with pytest.raises(Transient):
        await ask_acd(places, TENANT, CONTACT)


def test_the_command_line_says_what_is_wrong(tmp_path: Path):
    places = Installation("127.0.0.1:1", "mongodb://nowhere", "none", tmp_path, None)
    with pytest.raises(Misconfigured, match=r"^No Kafka broker answers at 127.0.0.1:1\.$"):
        carry_out(["explain", CONTACT, "--lang", "zh"], places)
    with pytest.raises(SystemExit):
        carry_out(["explain", CONTACT, "--lang", "fr"], places)
