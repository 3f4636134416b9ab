"""A caller or agent that fails is told and stops nobody else; a centre that goes away is one sentence."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import aiohttp
import pytest
from rich.console import Console
from trunkline.contact.v1 import contact_service_pb2 as api
from trunkline_core.errors import Misconfigured, Transient
from trunkline_demo import gateway as gateways
from trunkline_demo.day_clock import DayClock
from trunkline_demo.desks import AgentAtDesk, Samples
from trunkline_demo.gateway import Gateway
from trunkline_demo.outcomes import Outcomes
from trunkline_demo.replay import Run
from trunkline_demo.truths import summarise
from trunkline_demo.world import World
from trunkline_launcher.layout import Layout, default_layout
from trunkline_simulation.day.plan import Caller, DayPlan
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.day.windows import Window

CALLERS = tuple(Caller(number, 0, 0, True, "PS", False, 10, 10, True) for number in range(3))
AGENT = Agent("AVI", frozenset({"PS"}), 0, 100, ())
PLAN = DayPlan(CALLERS, (AGENT,), Window())
DONE = Outcomes(summarise(0, 0, 0, []), 0, 0)


def run_of(folder: Path) -> Run:
    layout = Layout(folder, "127.0.0.1:1", "", default_layout({}).ports)
    return Run(PLAN, 1000, layout, Console(quiet=True))


async def test_callers_that_fail_are_told_and_the_others_are_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[int] = []

    async def play(_: Gateway, caller: Caller, __: DayClock) -> None:
        played.append(caller.number)
        if caller.number < 2:
            raise ValueError(f"caller {caller.number}")

    monkeypatch.setattr(Gateway, "play", play)
    run = run_of(tmp_path)
    async with asyncio.TaskGroup() as group:
        await run._play_callers(DayClock(Window().from_s, 1000), group)
    assert played == [0, 1, 2]
    assert [str(error) for error in run._troubles(DONE).errors] == ["caller 0", "caller 1"]


async def test_what_callers_and_desks_met_is_in_the_report(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    run._gateway.failed_to_start, run._gateway.unanswered = 2, 3
    desk = desk_of()
    desk.refusals, desk.errors = ["OfferEnded"], [ValueError("desk")]
    run._desks.append(desk)
    troubles = run._troubles(Outcomes(DONE.figures, refused=4, closed_by_system=5))
    counts = (troubles.refused, troubles.closed_by_system, troubles.failed_to_start, troubles.unanswered)
    assert counts == (4, 5, 2, 3)
    assert (troubles.desk_refusals, troubles.errors) == (("OfferEnded",), tuple(desk.errors))


async def test_the_first_failure_of_a_run_is_the_one_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(_: Run, __: Any, group: asyncio.TaskGroup) -> None:
        group.create_task(fail())
        await asyncio.Event().wait()

    async def fail() -> None:
        raise ExceptionGroup("of a peer", [Transient("The console closed the desk of AVI: see its log.")])

    monkeypatch.setattr(Run, "_play", play)
    with pytest.raises(Transient, match="closed the desk of AVI"):
        await run_of(tmp_path).play()


async def test_kafka_that_is_away_is_one_sentence_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> None:
        raise Transient("no Kafka broker answers at 127.0.0.1:1")

    run = run_of(tmp_path)
    monkeypatch.setattr(run._growth, "begin", away)
    with pytest.raises(
        Misconfigured, match=r"^Kafka does not answer at 127\.0\.0\.1:1: start the centre with `make run`"
    ):
        await run.play()


class Peer:
    """Answers each request at once."""

    def __init__(self, gateway: Gateway, **answer: Any) -> None:
        self._gateway, self._answer = gateway, answer
        self.asked: list[str | None] = []

    def send(self, request: Any) -> None:
        self.asked.append(request.WhichOneof("request"))
        if "refused" in self._answer:
            refused = api.RequestRefused(command_id=request.command_id, reason=self._answer["refused"])
            self._gateway.on_push(api.SessionResponse(refused=refused))
        else:
            done = api.RequestDone(command_id=request.command_id, contact_id=self._answer["contact_id"])
            self._gateway.on_push(api.SessionResponse(done=done))


def gateway_with(**answer: Any) -> tuple[Gateway, Peer]:
    gateway: Any = Gateway(World(PLAN, 1000))
    gateway.peer = peer = Peer(gateway, **answer)
    return gateway, peer


async def test_a_caller_whose_contact_is_refused_failed_to_start() -> None:
    gateway, peer = gateway_with(refused="EntryPointUnknown")
    await gateway.play(CALLERS[0], DayClock(0, 1000))
    assert (gateway.failed_to_start, len(gateway.calls), peer.asked) == (1, 0, ["start_contact"])


async def test_a_menu_that_does_not_come_is_the_callers_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "MENU_S", 0.0)
    gateway, peer = gateway_with(contact_id="ct_1")
    with pytest.raises(Transient, match="the menu did not come"):
        await gateway.play(CALLERS[0], DayClock(0, 1000))
    assert (gateway.failed_to_start, peer.asked) == (0, ["start_contact", "customer_left"]), "its call has an end"


@dataclass
class Answer:
    """What the console says to a log-in."""

    status: int
    body: str

    async def text(self) -> str:
        return self.body

    async def __aenter__(self) -> "Answer":
        return self

    async def __aexit__(self, *_: type[BaseException] | TracebackType | BaseException | None) -> None:
        pass


class Socket:
    """A desk that the console closes at once."""

    closed = False

    async def __aiter__(self) -> AsyncIterator[Any]:
        return
        yield

    async def close(self) -> None:
        self.closed = True


class Session:
    """A browser in which the log-in ends like that."""

    def __init__(self, end: Answer | Exception) -> None:
        self._end = end

    def post(self, *_: Any, **__: Any) -> Answer:
        if isinstance(self._end, Exception):
            raise self._end
        return self._end

    async def ws_connect(self, *_: Any, **__: Any) -> Socket:
        return Socket()


def desk_of() -> AgentAtDesk:
    return AgentAtDesk(AGENT, World(PLAN, 1000), DayClock(0, 1000), {}, Samples())


async def test_a_refused_log_in_is_one_sentence() -> None:
    session: Any = Session(Answer(401, '{"error":\n "Unauthenticated"}'))
    with pytest.raises(
        Misconfigured, match=r'^The console refuses the log-in of AVI: 401 \{"error": "Unauthenticated"\}$'
    ):
        await desk_of().connect(session, "http://console")


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), ConnectionResetError(), TimeoutError()])
async def test_a_console_that_goes_away_at_the_log_in_is_one_sentence(error: Exception) -> None:
    session: Any = Session(error)
    with pytest.raises(
        Misconfigured, match=rf"^The console at http://console does not answer \({type(error).__name__} "
    ):
        await desk_of().connect(session, "http://console")


async def test_a_desk_that_the_console_closes_is_a_failure_and_one_that_we_close_is_none() -> None:
    session: Any = Session(Answer(200, ""))
    lost, left = desk_of(), desk_of()
    await lost.connect(session, "http://console")
    await left.connect(session, "http://console")
    with pytest.raises(Transient, match=r"^The console closed the desk of AVI: see its log\.$"):
        await lost.listen()
    await left.finish()
    await left.listen()


async def test_a_conversation_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(*_: Any) -> None:
        raise ValueError("conversation")

    monkeypatch.setattr(AgentAtDesk, "_serve", serve)
    desk = desk_of()
    desk._socket = SimpleNamespace(closed=True, close=Socket().close)  # type: ignore[assignment]
    desk._begin("ct_1")
    await desk.finish()
    assert [str(error) for error in desk.errors] == ["conversation"]
