"""`trunkline explain`: a contact's offers from acd's ledger, and what the running acd says of one that waits."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from stored_ledgers import StoredLedgers
from trunkline.acd.v1 import acd_service_pb2
from trunkline.acd.v1 import acd_types_pb2 as acd
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand
from trunkline.directory.v1 import directory_types_pb2
from trunkline_acd.bootstrap import TOPIC, Acd, bootstrap
from trunkline_acd.domain.contacts import Stage
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
from trunkline_acd.settings import AcdSettings
from trunkline_core.errors import Misconfigured, Transient
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_operator.commands import carry_out
from trunkline_operator.explaining import Trail, ask_acd, explain
from trunkline_operator.installation import Installation
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.lifecycle import Process, running

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
CONTACT, TENANT = "ct_1", "tn_1"
QUEUE = directory_types_pb2.QueueDefinition(
    queue_id="qu_sales",
    name=directory_types_pb2.LocalizedText(zh="销售", en="Sales"),
    target_wait_duration=Duration(seconds=20),
    voice_lease_duration=Duration(seconds=20),
    chat_lease_duration=Duration(seconds=30),
    miss_exclusion_duration=Duration(seconds=300),
    max_misses=2,
    wrap_up_mode=directory_types_pb2.WRAP_UP_MODE_UNTIMED,
    max_waiting=100,
)
WHY = Explanation(
    policy_version=1,
    trigger="ContactArrived",
    value_score_permille=0,
    urgency_score_permille=0,
    wait_score_permille=0,
    waiting_count=0,
    candidates=(Candidate("ag_7", "", 250_000), Candidate("ag_9", "IdleShorter", 230_000)),
)


def stored(*events: Event, void: Sequence[Event] = ()) -> StoredLedgers:
    """acd's ledger: events under one epoch, then some of a writer that had lost it."""
    ledgers, seconds = StoredLedgers(), itertools.count(1)
    ledgers.begin_epoch(TOPIC, 2, T0)
    for epoch, some in ((2, events), (1, void)):
        for event in some:
            ledgers.write(TOPIC, event, T0 + timedelta(seconds=next(seconds)), TENANT, epoch=epoch)
    return ledgers


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
    lines = await said(capsys, stored(offered(), *ANSWERED, *over))
    assert lines[:2] == [
        "ag_7 got it, when it arrived: of 2 who could, the one idle for longest (4 min 10 s).",
        "Not ag_9: idle for 20 s less.",
    ]
    assert lines[-1] == "It is over."


def test_a_contact_rings_on_while_one_of_several_offers_is_live():
    """Routing rule 9, ring-all: each offer ends for itself."""
    trail = Trail(TENANT, CONTACT)
    for number, agent_id in enumerate(("ag_7", "ag_8", "ag_9"), start=1):
        trail.note(replace(offered(number, agent_id), ring_all=True), T0)
    trail.note(declined(3, "ag_9"), T0)
    found = trail.explanation(T0)
    assert (found.stage, found.agent_id, found.ringing_count) == (Stage.OFFERED, "ag_8", 2)
    for number, agent_id in ((1, "ag_7"), (2, "ag_8")):
        trail.note(declined(number, agent_id), T0)
    assert trail.explanation(T0).stage is Stage.WAITING


async def test_all_offers_are_told_in_order_also_where_acd_remembers_fewer(capsys):
    source = stored(*(event for number in range(1, 14) for event in (offered(number), declined(number))))

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
    lines = await said(capsys, stored(offered(), declined()), away, "zh")
    assert lines[0].startswith("曾分配给 ag_7，对方拒接")
    assert lines[-1] == "路由服务没有应答，无法得知它现在为什么等待。"


async def test_what_a_writer_without_the_epoch_wrote_is_no_offer(capsys):
    lines = await said(capsys, stored(offered(), void=[offered(2, "ag_zombie")]), away)
    assert not any("ag_zombie" in line for line in lines)


async def test_contacts_of_two_tenants_are_told_apart(capsys):
    source = stored(offered(), *ANSWERED)
    source.write(TOPIC, offered(agent_id="ag_other"), T0 + timedelta(seconds=9), "tn_2", epoch=2)
    with pytest.raises(Misconfigured, match="say --tenant tn_1 or tn_2"):
        await said(capsys, source, away)
    assert (await said(capsys, source, away, tenant="tn_2"))[0].startswith("ag_other is being asked")


async def test_an_unknown_contact_is_one_sentence(capsys):
    with pytest.raises(Misconfigured, match=r'^The ledger of acd has no contact "ct_1"\.$'):
        await said(capsys, stored())


async def test_as_json_facts_and_sentences_stand_on_one_line(capsys):
    await explain(stored(offered()), CONTACT, "", "en", T0, away, only_json=True)  # type: ignore[arg-type]
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


async def test_ledger_and_running_acd_together_explain_a_contact(
    bootstrap_servers: str, unique_name: Any, unique_tenant: Any, tmp_path: Path, capsys: Any
):
    """On real brokers: a contact that was declined once and waits again."""
    secret, tenant, contact_id = "a secret of at least thirty-two bytes", unique_tenant(), unique_name("ct")
    settings = AcdSettings(
        kafka_bootstrap=bootstrap_servers, secret=secret, instance_id=unique_name("i"), grpc_port=0, http_port=0
    )
    parts: list[Acd] = []

    async def start(process: Process) -> None:
        parts.append(await bootstrap(process, settings))

    async with running("acd", start):
        channels = Channels()
        address = parts[0].grpc.address
        service = acd_service_pb2.DESCRIPTOR.services_by_name["AcdCommandService"]
        client = CommandClient(service, [address], Credentials(secret.encode()), channels)
        who = service_principal("channels", tenant)
        for command in (
            {"put_queue": {"queue": QUEUE}},
            {"put_agent": {"agent": {"agent_id": "ag_li", "chat_capacity": 1}}},
            {"open_agent_session": {"agent_id": "ag_li", "peer_id": "pe_1", "session_id": "se_1"}},
            {"set_intent": {"agent_id": "ag_li", "intent": acd.INTENT_AVAILABLE}},
            {"enqueue_contact": {"contact_id": contact_id, "step_no": 1, "queue_id": "qu_sales", "channel": 1}},
            {"decline_offer": {"agent_id": "ag_li", "contact_id": contact_id, "offer_no": 1}},
        ):
            await client.execute(AcdCommand(**command), who, timeout_s=15.0)  # type: ignore[arg-type]
        await channels.close()
        places = Installation(bootstrap_servers, "", "none", tmp_path, None, acd_addresses=(address,))
        places.secret.write_text(secret)
        async with ClusterHistory(bootstrap_servers, ["acd.events.v1"]) as history:
            ask = partial(ask_acd, places)
            await explain(history, contact_id, tenant, "en", datetime.now(UTC), ask, only_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ag_li was asked and declined, when it arrived: the only one who could take it")
    kept = "Agents with the skills: 1. None of them can take it now: 1 who just passed on this contact (ag_li)."
    assert kept in lines
    assert "Nobody goes before it: it is next for these agents." in lines
