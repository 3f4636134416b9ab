"""A choice that a flow's node says in the seed file decides who is offered the contact, with reasons (routing rule 6).

The rules of the directory, ivr, channels and acd one after another; between them the bytes that pass between services.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from trunkline_acd.adapters import directory as acd_directory
from trunkline_acd.adapters.wire import CODEC as ACD_WIRE
from trunkline_acd.domain import commands as acd
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.events import ContactOffered
from trunkline_acd.domain.state import AcdState
from trunkline_acd.domain.words import Intent
from trunkline_channels.adapters import facts
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.wire import WIRE as CHANNELS_WIRE
from trunkline_channels.domain import commands as channels
from trunkline_channels.domain.decider import ChannelsDecider
from trunkline_channels.domain.state import ChannelsState
from trunkline_console.adapters.seeds import seed_commands
from trunkline_console.adapters.wire import WIRE as CONSOLE_WIRE
from trunkline_console.domain.decider import DirectoryDecider
from trunkline_console.domain.state import Directory
from trunkline_core.decider import Context, execute
from trunkline_core.errors import Invalid
from trunkline_core.sealed import Sealed
from trunkline_ivr.adapters import directory as ivr_directory
from trunkline_ivr.adapters.wire import WIRE as IVR_WIRE
from trunkline_ivr.domain.commands import StartSession
from trunkline_ivr.domain.decider import IvrDecider
from trunkline_ivr.domain.state import IvrState
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord, Position

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
TENANT = "tn_demo"
TOKEN = "0123456789abcdef0123456789abcdef"
CONTACT = f"ct_{TOKEN[:16]}_one"

SEED = """
tenant: {tenant_id: tn_demo, name: Shop, time_zone: UTC}
queues:
  - queue_id: qu_support
    name: {zh: 客服, en: Support}
    target_wait_duration: 20s
    voice_lease_duration: 20s
    chat_lease_duration: 30s
    max_misses: 1
    wrap_up_mode: WRAP_UP_MODE_NONE
    max_waiting: 10
agents:
  - {agent_id: ag_idle, skills: [{skill: french, level: 5}], chat_capacity: 1}
  - {agent_id: ag_able, skills: [{skill: french, level: 2}, {skill: billing, level: 3}], chat_capacity: 1}
flows:
  - flow_id: fl_main
    name: Main
    start_node: person
    nodes:
      - node_id: person
        step:
          enqueue_node:
            queue_id: qu_support
            choices: CHOICES
entry_points:
  - {entry_point_id: ep_chat, name: Chat, channel: CHANNEL_CHAT, flow_id: fl_main}
"""
FRENCH = "{skill: french, operator: SKILL_OPERATOR_AT_LEAST, level: 1}"
BILLING = "{skill: billing, operator: SKILL_OPERATOR_AT_LEAST, level: 2}"
FLUENT = "{skill: german, operator: SKILL_OPERATOR_EXACTLY, level: 5}"
EITHER = f"[{{conjunctions: [{{terms: [{FRENCH}, {BILLING}]}}, {{terms: [{FLUENT}]}}]}}]"


@dataclass
class Rules:
    """The rules of one service, with what they have come to."""

    decider: Any
    state: Any
    wire: Any
    happened: list[Any] = field(default_factory=list)

    def do(self, command: Any, actor: str = "system") -> list[EffectiveRecord]:
        """Decide; return the events as they stand on the ledger."""
        events = execute(self.decider, self.state, command, Context(NOW, TENANT, actor, "c1"))
        self.state.journal.commit()
        self.happened += events
        return [self._record(event) for event in events]

    def follow(self, react: Callable[[EffectiveRecord], Iterable[Any]], records: Iterable[EffectiveRecord]) -> Any:
        """Do what the records of another service lead to; return the events of that."""
        found = [wanted.command for record in records for wanted in react(record)]
        return [record for command in found for record in self.do(command)]

    def take(self, message: Any) -> None:
        """Do what a message of another service says."""
        self.do(self.wire.decode_command(message.SerializeToString()))

    def _record(self, event: Any) -> EffectiveRecord:
        metadata = Metadata("ev_1", "", 1, NOW, TENANT, "system", "", "", 1, False, b"")
        value = self.wire.encode_event(event, metadata)
        return EffectiveRecord(Record(0, 1, b"key", value, NOW, 1, self.wire.event_type(event)), Position(2, 1))


class Centre:
    """Directory, ivr, channels and acd of one tenant."""

    def __init__(self) -> None:
        self.console = Rules(DirectoryDecider(), Directory(), CONSOLE_WIRE)
        self.ivr = Rules(IvrDecider(), IvrState(), IVR_WIRE)
        self.channels = Rules(ChannelsDecider(), ChannelsState(), CHANNELS_WIRE)
        self.acd = Rules(AcdDecider(), AcdState(), ACD_WIRE)

    async def define(self, choices: str) -> None:
        """Take over the seed file. Raises: Invalid."""
        nobody: Any = None
        async for message in seed_commands(yaml.safe_load(SEED.replace("CHOICES", choices)), nobody, lambda _: False):
            records = self.console.do(self.console.wire.decode_command(message.SerializeToString()))
            self.ivr.follow(ivr_directory.react, records)
            self.channels.follow(facts.definitions, records)
            self.acd.follow(acd_directory.react, records)

    def sign_in(self, agent_id: str) -> None:
        """Make an agent available."""
        self.acd.do(acd.OpenAgentSession(agent_id, "pe_1", f"se_{agent_id}"))
        self.acd.do(acd.SetIntent(agent_id, Intent.AVAILABLE, ""), actor=f"agent:{agent_id}")

    async def ask_for_a_person(self) -> None:
        """A chat comes in; the flow sends it to a queue at once."""
        address = Sealed("ky_1", b"n" * 12, b"c" * 32)
        self.channels.do(channels.OpenContact("ep_chat", TOKEN, address, {}, "en", "chat:a", CONTACT))
        self.channels.do(channels.RecordCustomer(CONTACT, 1, ""))
        asked = self.ivr.do(StartSession(CONTACT, 2, "fl_main", {}, "en"))
        self.channels.follow(facts.facts_of_ivr, asked)
        contact = self.channels.state.contacts.get(CONTACT)
        await ServiceTargets(self, self, self).carry_out(contact, contact.step)

    async def execute(self, command: Any, *who: Any, **options: Any) -> list[Any]:
        """Take what channels asks of acd."""
        self.acd.take(command)
        return []


async def test_a_choice_of_a_flow_in_the_seed_file_says_who_is_offered_the_contact_and_who_lacks_what() -> None:
    centre = Centre()
    await centre.define(EITHER)
    centre.sign_in("ag_idle")
    centre.sign_in("ag_able")
    await centre.ask_for_a_person()
    (offered,) = (event for event in centre.acd.happened if isinstance(event, ContactOffered))
    reasons = [(each.agent_id, each.not_chosen_because) for each in offered.explanation.candidates]
    assert reasons == [("ag_able", ""), ("ag_idle", "SkillMissing")]


async def test_without_a_choice_the_flow_asks_for_nothing_more_than_its_queue() -> None:
    centre = Centre()
    await centre.define("[]")
    centre.sign_in("ag_idle")
    await centre.ask_for_a_person()
    assert [event.agent_id for event in centre.acd.happened if isinstance(event, ContactOffered)] == ["ag_idle"]


async def test_a_choice_that_nobody_can_meet_is_refused_naming_the_term() -> None:
    never = "[{conjunctions: [{terms: [" + FLUENT + ", {skill: german, operator: SKILL_OPERATOR_LACKS}]}]}]"
    with pytest.raises(
        Invalid, match=r"^nodes\[person\]\.choices\[0\]\.conjunctions\[0\]\.terms\[1\]: can never be met"
    ):
        await Centre().define(never)
