import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.application.steps import StepRunner
from trunkline_channels.domain import commands
from trunkline_channels.domain.identity import derive_contact_id
from trunkline_channels.domain.words import StepKind
from trunkline_core.errors import Transient
from trunkline_ledger.submission import NotOwner

CONTACT = derive_contact_id("a" * 32, "c" * 32)


class ContendedLedger:
    """A partition that is lost, and ours again, while the first answer to a step waits in it."""

    def __init__(self):
        step = SimpleNamespace(kind=StepKind.RESOLVE_CUSTOMER, step_no=1)
        self._contact = SimpleNamespace(contact_id=CONTACT, tenant="tn_1", step=step)
        self.submitted = []
        self.recorded = asyncio.Event()

    def watch(self, watcher):
        pass

    def on_owned(self, call):
        self.own = call

    def owns(self, partition):
        return True

    def state(self, partition):
        return SimpleNamespace(contacts={CONTACT: self._contact})

    async def submit(self, submission):
        self.submitted.append(submission.command)
        if len(self.submitted) == 1:
            answer = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(self._lose_and_own_again, answer)
            await answer
        self.recorded.set()

    def _lose_and_own_again(self, answer):
        self.own(0)  # who follows ownership is told before answers leave (ledger rule 8)
        answer.set_exception(NotOwner(0, None))


class Crm:
    async def resolve(self, contact, step, timeout_s):
        return commands.RecordCustomer(contact.contact_id, step.step_no, "cu_1")


class NoWaits:
    async def figures(self, tenant, contact_id, timeout_s):
        raise Transient("nobody knows")


async def test_a_step_goes_on_after_its_partition_was_lost_and_is_ours_again_at_once():
    ledger = ContendedLedger()
    running = asyncio.create_task(StepRunner(ledger, Crm(), NoWaits()).run())
    ledger.own(0)
    async with asyncio.timeout(5):
        await ledger.recorded.wait()
    running.cancel()
    await asyncio.wait({running})
    assert [command.customer_id for command in ledger.submitted] == ["cu_1", "cu_1"]


class OneLedger:
    """As much of a ledger as is asked for: one partition, which is ours."""

    owned = frozenset({0})

    def __init__(self, story: Any) -> None:
        self._story = story

    def watch(self, _watcher: Any) -> None:
        """Nothing becomes effective here."""

    def on_owned(self, call: Any) -> None:
        self.own = call

    def owns(self, _partition: int) -> bool:
        return True

    def state(self, _partition: int) -> Any:
        return self._story.state


class Targets:
    """Accepts every step."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def carry_out(self, _contact: Any, step: Any) -> None:
        self.asked.append(step.step_no)


async def test_a_step_that_was_accepted_and_whose_fact_never_comes_is_sent_again(
    story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline_channels.application.steps.AGAIN_S", 0.02)
    step_no = story.wanting("voice").contact.step.step_no
    ledger, targets = OneLedger(story), Targets()
    steps = StepRunner(ledger, targets, NoWaits())  # type: ignore[arg-type]
    ledger.own(0)
    running = asyncio.create_task(steps.run())
    async with asyncio.timeout(10):
        while len(targets.asked) < 3:
            await asyncio.sleep(0.01)
    running.cancel()
    assert set(targets.asked) == {step_no}


def test_every_kind_of_step_is_carried_out_by_the_runner_or_a_service():
    """One that is forgotten would be tried for ever."""
    asked = {StepKind.RESOLVE_CUSTOMER, StepKind.ASK_WAIT, StepKind.CHECK_CUSTOMER}
    targets: Any = ServiceTargets(None, None, None)  # type: ignore[arg-type]
    assert set(targets._orders) == set(StepKind) - asked
