"""A tenant of its own for one run: queues, agents, users, a flow, an entry point, written by the directory's commands.

Owns: the policy of its tenant: every duration except leases divided by SPEED (docs/demo-day.md, Time).
Must not: play anybody.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from argon2 import PasswordHasher
from google.protobuf.duration_pb2 import Duration
from trunkline.common.v1.common_types_pb2 import Channel
from trunkline.directory.v1 import directory_types_pb2 as types
from trunkline.directory.v1.directory_commands_pb2 import (
    DefineAgent,
    DefineEntryPoint,
    DefineQueue,
    DefineTenant,
    DefineUser,
    DirectoryCommand,
    PublishFlow,
)
from trunkline_platform.sealing import Sealer
from trunkline_simulation.day.plan import HEAD_START_S, DayPlan

TARGET_WAIT_S = 20
SHORT_ABANDON_S = 5
LEASE_S = 20
MISS_EXCLUSION_S = 30
MENU_TIMEOUT_S = 3_600
ROUTE = "route"


@dataclass(frozen=True)
class World:
    """Names of one run; nothing of an earlier run has the same."""

    plan: DayPlan
    speed: float
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @property
    def tenant(self) -> str:
        """The run's tenant."""
        return f"tn_day_{self.run}"

    @property
    def entry_point(self) -> str:
        """Where callers come in."""
        return f"ep_day_{self.run}"

    def queue(self, kind: str) -> str:
        """Return the queue of a type of question."""
        return f"qu_day_{self.run}_{kind.lower()}"

    def agent(self, name: str) -> str:
        """Return the id of an agent."""
        return f"ag_day_{self.run}_{name.lower()}"

    def commands(self, sealer: Sealer) -> Iterator[DirectoryCommand]:
        """Yield everything the directory must know, in an order in which each reference exists."""
        yield DirectoryCommand(
            define_tenant=DefineTenant(
                tenant=types.TenantDefinition(tenant_id=self.tenant, name="Demo day", time_zone="Asia/Jerusalem")
            )
        )
        for kind in self.plan.types:
            yield DirectoryCommand(define_queue=DefineQueue(queue=self._queue(kind)))
        password_hash = PasswordHasher(time_cost=1, memory_cost=8_192).hash(self.password)
        for agent in self.plan.agents:
            skills = [types.SkillLevel(skill=skill, level=3) for skill in sorted(agent.skills)]
            definition = types.AgentDefinition(agent_id=self.agent(agent.name), skills=skills, chat_capacity=1)
            yield DirectoryCommand(define_agent=DefineAgent(agent=definition))
            yield DirectoryCommand(define_user=DefineUser(user=self._user(agent.name, sealer, password_hash)))
        yield DirectoryCommand(publish_flow=PublishFlow(flow=self._flow()))
        yield DirectoryCommand(
            define_entry_point=DefineEntryPoint(
                entry_point=types.EntryPointDefinition(
                    entry_point_id=self.entry_point,
                    name="Demo day",
                    channel=Channel.CHANNEL_VOICE,
                    flow_id=f"fl_day_{self.run}",
                )
            )
        )

    def _queue(self, kind: str) -> types.QueueDefinition:
        return types.QueueDefinition(
            queue_id=self.queue(kind),
            name=types.LocalizedText(zh=kind, en=kind),
            requirements=[types.SkillRequirement(skill=kind, min_level=1)],
            target_wait_duration=self._scaled(TARGET_WAIT_S),
            urgency_weight_permille=1000 * HEAD_START_S // TARGET_WAIT_S,
            voice_lease_duration=_duration(LEASE_S),
            chat_lease_duration=_duration(LEASE_S),
            miss_exclusion_duration=self._scaled(MISS_EXCLUSION_S),
            max_misses=2,
            wrap_up_mode=types.WrapUpMode.WRAP_UP_MODE_UNTIMED,
            short_abandon_duration=self._scaled(SHORT_ABANDON_S),
            max_waiting=10_000,
        )

    def _user(self, name: str, sealer: Sealer, password_hash: str) -> types.UserDefinition:
        return types.UserDefinition(
            user_id=f"us_day_{self.run}_{name.lower()}",
            login_token=sealer.token(self.tenant, f"login/{name.lower()}"),
            password_hash=password_hash,
            roles=[types.Role.ROLE_AGENT],
            agent_id=self.agent(name),
            active=True,
        )

    def _flow(self) -> types.FlowDefinition:
        """A menu with one choice, then a queue by type and priority."""
        ask = types.LocalizedText(zh="按 1 转人工。", en="Press 1 for a person.")
        person = types.MenuOption(
            option_id="person",
            label=types.LocalizedText(zh="人工", en="Person"),
            digit="1",
            keywords=["person"],
            next_node="route",
        )
        menu = types.MenuNode(
            prompt=ask, options=[person], timeout_duration=_duration(MENU_TIMEOUT_S), timeout_node="bye"
        )
        bye = types.EndNode(text=types.LocalizedText(zh="再见。", en="Goodbye."))
        routes = [(kind, urgent) for kind in self.plan.types for urgent in (False, True)]
        branches = [
            types.ConditionBranch(attribute=ROUTE, equals=route_of(kind, urgent), next_node=route_of(kind, urgent))
            for kind, urgent in routes
        ]
        nodes = [
            types.FlowNode(node_id="menu", step=types.FlowStep(menu_node=menu)),
            types.FlowNode(
                node_id="route",
                step=types.FlowStep(condition_node=types.ConditionNode(branches=branches, else_node="bye")),
            ),
            types.FlowNode(node_id="bye", step=types.FlowStep(end_node=bye)),
            *(self._enqueue(kind, urgent) for kind, urgent in routes),
        ]
        return types.FlowDefinition(flow_id=f"fl_day_{self.run}", name="Demo day", start_node="menu", nodes=nodes)

    def _enqueue(self, kind: str, urgent: bool) -> types.FlowNode:
        node = types.EnqueueNode(
            queue_id=self.queue(kind),
            urgency_permille=1000 if urgent else 0,
            text=types.LocalizedText(zh="请稍候。", en="Please wait."),
        )
        return types.FlowNode(node_id=route_of(kind, urgent), step=types.FlowStep(enqueue_node=node))

    def _scaled(self, seconds: float) -> Duration:
        return _duration(max(0.001, seconds / self.speed))


def route_of(kind: str, urgent: bool) -> str:
    """Return the attribute value that leads a caller to its queue."""
    return f"{kind}-urgent" if urgent else kind


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromTimedelta(timedelta(milliseconds=round(seconds * 1000)))
    return duration
