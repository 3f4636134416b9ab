"""The directory's rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from policy_cases import DirectorySpec, new_spec, queue
from trunkline_console.domain.commands import (
    DefineAgent,
    DefineEntryPoint,
    DefineHook,
    DefineNoticeTarget,
    DefineQueue,
    DefineTenant,
    DefineUser,
    EndSession,
    PublishFlow,
    PublishPolicy,
)
from trunkline_console.domain.definitions import (
    Channel,
    EntryPointDefinition,
    Role,
    TenantDefinition,
    UserDefinition,
)
from trunkline_console.domain.events import (
    AgentDefined,
    EntryPointDefined,
    FlowPublished,
    HookDefined,
    NoticeTargetDefined,
    QueueDefined,
    SessionEnded,
    UserDefined,
)
from trunkline_console.domain.policies import MAX_TENANT_QUEUES
from trunkline_console.domain.sessions import LIFETIME, MAX_ENDED
from trunkline_core.errors import Invalid, NotFound, Rejection
from trunkline_core.flows import EndNode, EnqueueNode, FlowDefinition, FlowNode, LocalizedText, SayNode
from trunkline_core.routing import (
    AgentDefinition,
    QueueLimit,
    RelaxationStep,
    SkillChoice,
    SkillConjunction,
    SkillLevel,
    SkillOperator,
    SkillRequirement,
    SkillTerm,
)
from trunkline_core.webhooks import MAX_HOOKS, MAX_NOTICE_TARGETS, HookDefinition, NoticeTargetDefinition

TEXT = LocalizedText("你好", "hello")
AGENT = AgentDefinition("ag_li", (SkillLevel("billing", 3),), 4)
QUEUE = queue("qu_billing")
USER = UserDefinition("us_li", "token", None, "$argon2id$v=19$x", (Role.AGENT,), "ag_li", True)
END = FlowNode("bye", EndNode(TEXT))


def flow(*nodes: FlowNode) -> FlowDefinition:
    return FlowDefinition("fl_a", "a", nodes[0].node_id, nodes)


def choice_of(skill: str, operator: SkillOperator, level: int) -> SkillChoice:
    return SkillChoice((SkillConjunction((SkillTerm(skill, operator, level),)),))


@pytest.fixture
def spec() -> DirectorySpec:
    return new_spec()


def test_a_definition_is_published_once_and_an_unchanged_one_changes_nothing(spec):
    spec.when(DefineAgent(AGENT)).then(AgentDefined(AGENT))
    spec.when(DefineAgent(AGENT)).then()


def test_a_tenant_can_define_itself_only(spec):
    other = TenantDefinition("tn_2", "two", "Asia/Shanghai", ())
    spec.when(DefineTenant(other)).then_refused(NotFound("tenant", "tn_2"))


def test_a_wrong_time_zone_is_refused_with_the_field(spec):
    tenant = TenantDefinition("tn_1", "one", "Mars/Olympus", ())
    spec.when(DefineTenant(tenant)).then_refused(
        Invalid("tenant.time_zone", "must be an IANA time zone such as Asia/Shanghai")
    )


def test_a_skill_level_above_five_is_refused_with_the_field(spec):
    agent = AgentDefinition("ag_li", (SkillLevel("billing", 9),), 4)
    spec.when(DefineAgent(agent)).then_refused(Invalid("agent.skills[0].level", "must be 1 to 5"))


def test_a_user_needs_an_existing_agent_and_a_login_of_its_own(spec):
    spec.when(DefineUser(USER)).then_refused(NotFound("agent", "ag_li"))
    spec.given(AgentDefined(AGENT), UserDefined(USER))
    twin = UserDefinition("us_2", "token", None, "$argon2id$v=19$y", (Role.ADMIN,), "", True)
    spec.when(DefineUser(twin)).then_refused(Rejection("LoginTaken"))


@pytest.mark.parametrize(
    ("requirements", "choices", "field"),
    [
        ((SkillRequirement("french", 1), SkillRequirement("billing", 3)), (), "nodes[q].requirements[1]"),
        (
            (),
            (choice_of("german", SkillOperator.LACKS, 0), choice_of("billing", SkillOperator.EXACTLY, 4)),
            "nodes[q].choices[1]",
        ),
    ],
)
def test_a_flow_that_asks_for_what_nobody_can_have_beside_its_queue_is_refused(spec, requirements, choices, field):
    """Routing rule 6."""
    queue = replace(QUEUE, choices=(choice_of("billing", SkillOperator.AT_MOST, 2),))
    wanted = flow(FlowNode("q", EnqueueNode("qu_billing", 0, 0, requirements, TEXT, choices)))
    spec.given(QueueDefined(queue)).when(PublishFlow(wanted)).then_invalid(field)


def test_a_flow_may_ask_for_what_its_queue_loosens(spec):
    step = RelaxationStep(timedelta(seconds=5), (SkillRequirement("billing", 2),), ())
    queue = replace(QUEUE, choices=(choice_of("billing", SkillOperator.AT_MOST, 2),), relaxation=(step,))
    wanted = flow(FlowNode("q", EnqueueNode("qu_billing", 0, 0, (SkillRequirement("billing", 3),), TEXT)))
    spec.given(QueueDefined(queue)).when(PublishFlow(wanted)).then(FlowPublished(wanted, 1))


def test_an_entry_point_needs_a_published_flow(spec):
    entry = EntryPointDefinition("ep_1", "shop", Channel.CHAT, "fl_a")
    spec.when(DefineEntryPoint(entry)).then_refused(NotFound("flow", "fl_a"))
    spec.given(FlowPublished(flow(END), 1)).when(DefineEntryPoint(entry)).then(EntryPointDefined(entry))


def test_a_flow_needs_the_queues_it_names_and_each_publishing_is_a_version(spec):
    wanted = flow(FlowNode("q", EnqueueNode("qu_billing", 0, 0, (), TEXT)))
    spec.when(PublishFlow(wanted)).then_refused(NotFound("queue", "qu_billing"))
    spec.given(QueueDefined(QUEUE)).when(PublishFlow(wanted)).then(FlowPublished(wanted, 1))
    spec.when(PublishFlow(wanted)).then()
    spec.when(PublishFlow(flow(END))).then(FlowPublished(flow(END), 2))


def test_a_flow_with_a_dead_end_is_refused_with_the_name_of_the_node(spec):
    spec.when(PublishFlow(flow(FlowNode("hello", SayNode(TEXT, "nowhere")))))
    spec.then_invalid("nodes[hello].next_node")


def test_a_flow_with_a_cycle_without_a_pause_is_refused_with_the_name_of_a_node(spec):
    spec.when(PublishFlow(flow(FlowNode("one", SayNode(TEXT, "two")), FlowNode("two", SayNode(TEXT, "one")))))
    spec.then_invalid("nodes[one]")


def test_a_queue_with_a_negative_weight_or_no_target_is_refused(spec):
    spec.when(DefineQueue(replace(QUEUE, urgency_weight_permille=-1))).then_refused(
        Invalid("queue.urgency_weight_permille", "must be 0 to 10000")
    )
    spec.when(DefineQueue(replace(QUEUE, target_wait_duration=timedelta(0)))).then_refused(
        Invalid("queue.target_wait_duration", "must be longer than 0 s")
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"miss_exclusion_duration": timedelta(days=8)}, "queue.miss_exclusion_duration"),
        ({"wrap_up_duration": timedelta(days=8)}, "queue.wrap_up_duration"),
        ({"longest_wait": QueueLimit(timedelta(days=8), "")}, "queue.longest_wait.after_duration"),
        ({"requirements": (SkillRequirement("x", 1),) * 33}, "queue.requirements"),
    ],
)
def test_a_queue_that_acd_would_not_take_is_refused_with_the_field(spec, changed, field):
    spec.when(DefineQueue(replace(QUEUE, **changed))).then_invalid(field)


def test_another_tenant_sees_none_of_it(spec):
    spec.given(AgentDefined(AGENT))
    assert spec.state.agents.find("tn_2", "ag_li") is None
    assert spec.state.agents.of("tn_2") == []


# -- sessions -----------------------------------------------------------------------------------------------------

BEGUN = datetime(2026, 1, 5, tzinfo=UTC)


def session(number: int, begun: datetime = BEGUN) -> str:
    """Return the id of a session that began then."""
    milliseconds = int(begun.timestamp() * 1000)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | number))


def is_over(spec: DirectorySpec, number: int, begun: datetime = BEGUN) -> bool:
    return bool(spec.state.ended_sessions("tn_1", "us_li").has(session(number, begun), begun))


@pytest.fixture
def logged_in(spec: DirectorySpec) -> DirectorySpec:
    return spec.given(AgentDefined(AGENT), UserDefined(USER))


def test_a_session_ends_once_and_no_other_one_with_it(logged_in):
    logged_in.when(EndSession("us_li", session(1))).then(SessionEnded("us_li", session(1), BEGUN))
    logged_in.when(EndSession("us_li", session(1))).then()
    assert (is_over(logged_in, 1), is_over(logged_in, 2)) == (True, False)
    assert not logged_in.state.ended_sessions("tn_2", "us_li").has(session(1), BEGUN)


def test_only_a_session_of_a_user_of_the_tenant_can_end(logged_in):
    logged_in.when(EndSession("us_nobody", session(1))).then_refused(NotFound("user", "us_nobody"))
    logged_in.when(EndSession("us_li", "1")).then_refused(Invalid("session_id", "must be a UUID of version 7"))
    ahead = session(1, BEGUN + timedelta(hours=1))
    logged_in.when(EndSession("us_li", ahead)).then_refused(Invalid("session_id", "its time is ahead"))


def test_a_session_that_ran_out_is_not_remembered(logged_in):
    logged_in.when(EndSession("us_li", session(1))).after(LIFETIME).when(EndSession("us_li", session(2))).then()
    later = BEGUN + LIFETIME
    logged_in.when(EndSession("us_li", session(3, later))).then(SessionEnded("us_li", session(3, later), later))
    assert logged_in.state.ended_sessions("tn_1", "us_li").ended == ((later, session(3, later)),)


def test_whoever_logs_in_and_out_all_day_fills_no_memory_and_gets_no_session_back(logged_in):
    begun = [BEGUN + timedelta(seconds=number) for number in range(MAX_ENDED * 3)]
    for number, at in enumerate(begun):
        logged_in.after(timedelta(seconds=1)).when(EndSession("us_li", session(number, at)))
    assert len(logged_in.state.ended_sessions("tn_1", "us_li").ended) == MAX_ENDED
    assert all(is_over(logged_in, number, at) for number, at in enumerate(begun))
    assert not is_over(logged_in, 0, begun[-1] + timedelta(seconds=1))


def test_a_tenant_has_a_bounded_number_of_notice_targets_each_with_a_valid_url(spec):
    targets = [NoticeTargetDefinition(f"nt_{number}", "https://shop.example/", ("now",), False) for number in range(9)]
    for target in targets[:MAX_NOTICE_TARGETS]:
        spec.when(DefineNoticeTarget(target)).then(NoticeTargetDefined(target))
    spec.when(DefineNoticeTarget(targets[0])).then()
    spec.when(DefineNoticeTarget(targets[8])).then_refused(Rejection("TooManyNoticeTargets"))
    wrong = NoticeTargetDefinition("nt_0", "https://me@shop.example/", ("now",), False)
    told = Invalid("notice_target.url", "must have no user name, password or fragment")
    spec.when(DefineNoticeTarget(wrong)).then_refused(told)


def test_a_tenant_has_a_bounded_number_of_queues(spec):
    queues = [replace(QUEUE, queue_id=f"qu_{number}") for number in range(MAX_TENANT_QUEUES + 1)]
    spec.given(*(QueueDefined(queue) for queue in queues[:-1]))
    spec.when(DefineQueue(queues[-1])).then_refused(Rejection("TooManyQueues"))
    changed = replace(queues[0], max_waiting=7)
    spec.when(DefineQueue(changed)).then(QueueDefined(changed))
    spec.when(PublishPolicy(MAX_TENANT_QUEUES + 1, tuple(queues[-1:]), "")).then_refused(Rejection("TooManyQueues"))


def test_a_hook_belongs_to_a_chat_entry_point_of_the_tenant_and_there_are_not_too_many(spec):
    chat = EntryPointDefinition("ep_chat", "chat", Channel.CHAT, "fl_a")
    voice = EntryPointDefinition("ep_voice", "voice", Channel.VOICE, "fl_a")
    spec.given(FlowPublished(flow(END), 1), EntryPointDefined(chat), EntryPointDefined(voice))
    hooks = [HookDefinition(f"hk_{number}", "ep_chat", ("now", "next"), False) for number in range(MAX_HOOKS + 1)]
    for hook in hooks[:MAX_HOOKS]:
        spec.when(DefineHook(hook)).then(HookDefined(hook))
    spec.when(DefineHook(hooks[0])).then()
    spec.when(DefineHook(hooks[MAX_HOOKS])).then_refused(Rejection("TooManyHooks"))
    told = Invalid("hook.entry_point_id", "must be of the channel CHAT")
    spec.when(DefineHook(HookDefinition("hk_0", "ep_voice", ("now",), False))).then_refused(told)
    unknown = HookDefinition("hk_0", "ep_none", ("now",), False)
    spec.when(DefineHook(unknown)).then_refused(NotFound("entry point", "ep_none"))
    told = Invalid("hook.secret_names", "must be 1 to 2 different names")
    spec.when(DefineHook(HookDefinition("hk_0", "ep_chat", (), False))).then_refused(told)
