"""Definitions of queues, agents and wrap-up codes: what is taken over and what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import PutAgent, PutPolicy, PutQueue, PutWrapUpCode
from trunkline_acd.domain.events import AgentConfigured, QueueConfigured, WrapUpCodeConfigured
from trunkline_core.routing import AgentDefinition, Overflow, SkillLevel, SkillRequirement, WrapUpMode
from trunkline_core.treatments import MusicStep, QueueTreatment

BAD_QUEUES = [
    ({"queue_id": ""}, "queue.queue_id"),
    ({"requirements": (SkillRequirement("x", 9),)}, "queue.requirements[0].min_level"),
    ({"target_wait_duration": timedelta(0)}, "queue.target_wait_duration"),
    ({"requirements": (SkillRequirement("x", 1),) * 33}, "queue.requirements"),
    ({"target_wait_duration": timedelta(days=8)}, "queue.target_wait_duration"),
    ({"value_weight_permille": -1}, "queue.value_weight_permille"),
    ({"urgency_weight_permille": 10_001}, "queue.urgency_weight_permille"),
    ({"voice_lease_duration": timedelta(milliseconds=999)}, "queue.voice_lease_duration"),
    ({"chat_lease_duration": timedelta(days=8)}, "queue.chat_lease_duration"),
    ({"miss_exclusion_duration": timedelta(seconds=-1)}, "queue.miss_exclusion_duration"),
    ({"max_misses": 0}, "queue.max_misses"),
    ({"wrap_up_mode": WrapUpMode.UNSPECIFIED}, "queue.wrap_up_mode"),
    ({"wrap_up_mode": WrapUpMode.TIMED, "wrap_up_duration": timedelta(0)}, "queue.wrap_up_duration"),
    ({"short_abandon_duration": timedelta(seconds=-1)}, "queue.short_abandon_duration"),
    ({"max_waiting": 0}, "queue.max_waiting"),
    ({"max_wrap_up_extensions": 1}, "queue.wrap_up_extension_duration"),
    ({"max_wrap_up_extensions": 11}, "queue.max_wrap_up_extensions"),
    ({"wrap_up_extension_duration": timedelta(days=8)}, "queue.wrap_up_extension_duration"),
    ({"max_waiting": 10_001}, "queue.max_waiting"),
]

BAD_AGENTS = [
    (AgentDefinition("", (), 1), "agent.agent_id"),
    (AgentDefinition("ag_1", (SkillLevel("x", 9),), 1), "agent.skills[0].level"),
    (AgentDefinition("ag_1", (SkillLevel("", 1),), 1), "agent.skills[0].skill"),
    (AgentDefinition("ag_1", (SkillLevel("x", 1), SkillLevel("x", 2)), 1), "agent.skills"),
    (AgentDefinition("ag_1", tuple(SkillLevel(f"s{n}", 1) for n in range(65)), 1), "agent.skills"),
    (AgentDefinition("ag_1", (), 0), "agent.chat_capacity"),
    (AgentDefinition("ag_1", (), 17), "agent.chat_capacity"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_QUEUES)
def test_queue_with_an_error_is_refused_naming_the_field(routing, fields, field):
    definition = replace(routing.queue(), **fields)
    assert routing.refusal(PutQueue(definition)).startswith(f"Invalid: {field}:")


@pytest.mark.parametrize(("definition", "field"), BAD_AGENTS)
def test_agent_with_an_error_is_refused_naming_the_field(routing, definition, field):
    assert routing.refusal(PutAgent(definition)).startswith(f"Invalid: {field}:")


def test_missing_definitions_are_refused(routing):
    assert routing.refusal(PutQueue(None)) == "Invalid: queue: is missing"
    assert routing.refusal(PutAgent(None)) == "Invalid: agent: is missing"


def test_same_definition_again_changes_nothing(routing):
    definition = routing.queue()
    agent = AgentDefinition("ag_1", (SkillLevel("x", 1),), 2)
    assert routing.do(PutQueue(definition)) == []
    assert routing.do(PutAgent(agent)) == [AgentConfigured(agent)]
    assert routing.do(PutAgent(agent)) == []


def test_wrap_up_code_is_taken_over_once_for_its_tenant(routing):
    assert routing.do(PutWrapUpCode("sold")) == [WrapUpCodeConfigured("sold")]
    assert routing.do(PutWrapUpCode("sold")) == []
    assert routing.do(PutWrapUpCode("sold"), tenant="tn_other") == [WrapUpCodeConfigured("sold")]


@pytest.mark.parametrize("code", ["", "two words", "x" * 129])
def test_wrap_up_code_with_an_error_is_refused_naming_the_field(routing, code):
    assert routing.refusal(PutWrapUpCode(code)).startswith("Invalid: wrap_up_code:")


def test_tenant_has_a_bounded_number_of_wrap_up_codes(routing, monkeypatch):
    monkeypatch.setattr(policy, "MAX_WRAP_UP_CODES", 2)
    routing.code("sold")
    routing.code("lost")
    assert routing.refusal(PutWrapUpCode("more")).startswith("Invalid: wrap_up_code:")
    assert routing.do(PutWrapUpCode("lost")) == []


def test_explanations_name_the_version_of_the_policy(routing):
    routing.queue()
    newer = replace(routing.queue(), max_misses=3)
    assert routing.do(PutQueue(newer)) == [QueueConfigured(newer)]
    routing.agent("ag_li")
    assert routing.enqueue("ct_1")[-1].explanation.policy_version == 2


def test_all_queues_of_a_policy_change_in_one_command_and_explanations_name_its_version(routing):
    changed, new = replace(routing.queue(), max_misses=3), replace(routing.queue(), queue_id="qu_new")
    configured = [QueueConfigured(changed, 7), QueueConfigured(new, 7)]
    assert routing.do(PutPolicy(7, (changed, new))) == configured
    assert routing.do(PutPolicy(7, (changed, new))) == []
    routing.agent("ag_li")
    assert routing.enqueue("ct_1")[-1].explanation.policy_version == 7


def test_a_policy_that_changes_only_what_plays_is_a_version_too(routing):
    treatment = QueueTreatment((MusicStep("waiting", timedelta(seconds=30)),), 1)
    changed = replace(routing.queue(), treatment=treatment)
    assert routing.do(PutPolicy(7, (changed,))) == [QueueConfigured(changed, 7)]
    routing.agent("ag_li")
    assert routing.enqueue("ct_1")[-1].explanation.policy_version == 7, "a trial can tell the turns apart"


def test_a_policy_with_one_wrong_queue_changes_none(routing):
    good = replace(routing.queue(), max_misses=3)
    away, back = (
        replace(good, queue_id=one, overflow=Overflow(other, timedelta(minutes=1), timedelta(minutes=1)))
        for one, other in (("qu_x", "qu_y"), ("qu_y", "qu_x"))
    )
    assert routing.refusal(PutPolicy(7, (good, away, back))) == (
        "Invalid: queue.overflow.next_queue_id: leads back to this queue"
    )
    assert routing.refusal(PutPolicy(7, (good, replace(good, queue_id="")))).startswith("Invalid: queue.queue_id:")
    assert routing.refusal(PutPolicy(0, (good,))) == "Invalid: version: must be 1 or more"
    assert routing.domain.definition_of(good.queue_id).max_misses != 3
    assert routing.domain.policy_version() == 0


def test_redefinition_keeps_what_the_agent_is_doing(routing, offered):
    routing.queue()
    routing.agent("ag_li", chats=2)
    routing.chat("ct_1")
    routing.chat("ct_2")
    routing.do(PutAgent(AgentDefinition("ag_li", (), 1)))
    assert len(routing.domain.agent("ag_li").work) == 2
    assert offered(routing.chat("ct_3")) == []
