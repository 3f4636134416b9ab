"""A partition of self-service to play with: commands in, events out, timers fire when they are due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.flows import (
    ConditionBranch,
    ConditionNode,
    EndNode,
    EnqueueNode,
    FlowDefinition,
    FlowNode,
    GatherNode,
    HoursDefinition,
    HoursWindow,
    LocalizedText,
    MenuNode,
    MenuOption,
    SayNode,
)
from trunkline_core.routing import SkillRequirement
from trunkline_ivr.domain.commands import (
    AdvanceSession,
    Command,
    EndSession,
    PutFlow,
    PutHours,
    StartSession,
)
from trunkline_ivr.domain.decider import IvrDecider
from trunkline_ivr.domain.events import Event
from trunkline_ivr.domain.state import IvrState

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)  # a Monday
TENANT = "tn_demo"
HELLO = LocalizedText("您好", "Hello")
CHOOSE = LocalizedText("请选择", "Please choose")
ASK = LocalizedText("您的姓名？", "Your name?")
WAIT = LocalizedText("请稍候", "One moment")
BYE = LocalizedText("再见", "Goodbye")
OPTIONS = (
    MenuOption("person", CHOOSE, "1", ("person", "人工"), "name"),
    MenuOption("again", CHOOSE, "2", (), "hello"),
    MenuOption("bye", CHOOSE, "3", (), "bye"),
)
FLOW = FlowDefinition(
    "fl_main",
    "Main",
    "hours",
    (
        FlowNode("hours", ConditionNode((ConditionBranch("", "", "ho_shop", "vip"),), "bye")),
        FlowNode("vip", ConditionNode((ConditionBranch("tier", "gold", "", "person"),), "hello")),
        FlowNode("hello", SayNode(HELLO, "menu")),
        FlowNode("menu", MenuNode(CHOOSE, OPTIONS, timedelta(seconds=30), "menu")),
        FlowNode("name", GatherNode(ASK, "name", timedelta(seconds=60), "person", "person")),
        FlowNode("person", EnqueueNode("qu_sales", 500, 0, (SkillRequirement("zh", 3),), WAIT)),
        FlowNode("bye", EndNode(BYE)),
    ),
)
HOURS = HoursDefinition("ho_shop", "UTC", tuple(HoursWindow(day, 480, 1200) for day in range(1, 8)), ())


class SelfService:
    """One partition under test, with the main flow and open hours."""

    def __init__(self) -> None:
        self.state = IvrState()
        self.now = T0
        self.log: list[tuple[Event, Context]] = []
        self._commands = 0

    def do(self, command: Command, tenant: str = TENANT) -> list[Event]:
        self._commands += 1
        context = Context(self.now, tenant, "system", f"c{self._commands}")
        events = execute(IvrDecider(), self.state, command, context)
        self.state.journal.commit()
        self.log += [(event, context) for event in events]
        return events

    def refusal(self, command: Command, tenant: str = TENANT) -> str:
        """Carry out a command that must be refused and must change nothing; the error as text."""
        before = self.picture()
        with pytest.raises(TrunklineError) as caught:
            self.do(command, tenant)
        assert self.picture() == before
        return f"{type(caught.value).__name__}: {caught.value}"

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass; returns what the timers cause."""
        until, events = self.now + timedelta(seconds=seconds), []
        while (due := self.state.timers.next_due()) and due <= until:
            self.now = max(self.now, due)
            for timer in self.state.timers.due(self.now):
                events += self.do(timer.command, timer.tenant)
                assert self.state.timers.get(timer.key) != timer, f"{timer} would fire for ever"
        self.now = until
        return events

    def publish(self, flow: FlowDefinition = FLOW, version: int = 1, tenant: str = TENANT) -> list[Event]:
        return self.do(PutFlow(flow, version), tenant)

    def start(self, contact_id: str = "ct_1", step: int = 1, **attributes: str) -> list[Event]:
        return self.do(StartSession(contact_id, step, "fl_main", attributes, "zh"))

    def choose(self, option_id: str, step: int = 2, node_id: str = "menu") -> list[Event]:
        return self.do(AdvanceSession("ct_1", step, node_id, option_id, None))

    def end(self, step: int = 9, contact_id: str = "ct_1") -> list[Event]:
        return self.do(EndSession(contact_id, step))

    def picture(self) -> object:
        """Everything that decides, to be compared."""
        return picture(self.state)

    def refolded(self) -> IvrState:
        """The state that another replica has after it read the same events."""
        state = IvrState()
        for event, context in self.log:
            IvrDecider().evolve(state, event, context)
            state.journal.commit()
        return state


def picture(state: IvrState) -> object:
    """Everything that decides, to be compared."""
    sessions = sorted(repr(session) for session in state.sessions.values())
    timers = sorted(repr(timer) for timer in state.timers.values())
    return sessions, timers, state.flow_version_count(), state.trace_counts()


def with_text(flow: FlowDefinition, text: LocalizedText) -> FlowDefinition:
    """The same flow, saying something else at `hello`."""
    nodes = tuple(replace(node, step=SayNode(text, "menu")) if node.node_id == "hello" else node for node in flow.nodes)
    return replace(flow, nodes=nodes)


@pytest.fixture
def ivr() -> SelfService:
    """Self-service with the main flow, while the shop is open."""
    service = SelfService()
    service.publish()
    service.do(PutHours(HOURS))
    return service
