"""When a difference is believed, and what is then asked of whom (ADR 0017)."""

from typing import Any

import pytest
from trunkline_channels.application.reconciliation import Reconciliation, Seen
from trunkline_channels.domain.commands import CloseContact, RecordOffered
from trunkline_channels.domain.reconciling import AtAcd, AtIvr, Difference, Stage
from trunkline_channels.domain.words import CloseReason, ContactState
from trunkline_core.errors import Transient

WAITING = AtAcd(3, Stage.WAITING, 1, 0, "")
STRANGE = "ct_0123456789abcdef_strange"


class OneLedger:
    """As much of a ledger as is asked for: one partition, which is ours."""

    def __init__(self, story: Any) -> None:
        self.owned = {0}
        self._story = story

    def on_lost(self, call: Any) -> None:
        self.lose = call

    def partition_of(self, _key: str) -> int:
        return 0

    def state(self, _partition: int) -> Any:
        return self._story.state

    async def read(self, _partition: int, view: Any) -> Any:
        return view(self._story.state)

    async def submit(self, submission: Any) -> None:
        self._story.do(submission.command, tenant=submission.tenant)


class Others:
    """acd and ivr, as they answer; None: away."""

    def __init__(self) -> None:
        self.acd: dict[str, AtAcd] | None = {}
        self.ivr: dict[str, AtIvr] | None = {}
        self.told = 1
        self.asked: list[tuple[str, str, int]] = []

    async def at_acd(self, _tenant: str) -> Seen[AtAcd]:
        return self._seen(self.acd)

    async def at_ivr(self, _tenant: str) -> Seen[AtIvr]:
        return self._seen(self.ivr)

    def _seen(self, rows: dict[str, Any] | None) -> Seen[Any]:
        if rows is None:
            raise Transient("away")
        return Seen(rows, {0: self.told})

    async def end_at_acd(self, _tenant: str, contact_id: str, step_no: int) -> None:
        self.asked.append(("acd", contact_id, step_no))

    async def end_session(self, _tenant: str, contact_id: str, step_no: int) -> None:
        self.asked.append(("ivr", contact_id, step_no))


class Facts:
    """How many facts of every other service were applied here."""

    def __init__(self) -> None:
        self.applied = 10

    def has_fed(self, _topic: str, _source: int, offset: int, _target: int) -> bool:
        return self.applied >= offset


class Job:
    """The comparison of one replica, looked at from second to second."""

    def __init__(self, story: Any) -> None:
        self.story, self.now = story, 0.0
        self.ledger, self.others, self.facts = OneLedger(story), Others(), Facts()
        ledger: Any = self.ledger
        self.reconciliation = Reconciliation(
            ledger, self.others, self.facts, every_s=20, after_s=60, monotonic=lambda: self.now
        )

    async def look(self, now: float) -> bool:
        """Compare; return whether our contact is over."""
        self.now = now
        await self.reconciliation.look()
        is_over: bool = self.story.contact.is_over
        return is_over


@pytest.fixture
def job(story: Any) -> Job:
    """A contact that waits in a queue of which acd knows nothing."""
    story.queued("voice")
    return Job(story)


async def test_a_difference_that_lasted_a_minute_is_ended_and_counted(job: Job) -> None:
    assert not await job.look(100)
    assert job.reconciliation.differences == 1
    assert not await job.look(159)
    assert await job.look(160)
    assert job.story.contact.close_reason is CloseReason.RECONCILED
    assert job.reconciliation.reconciled == {Difference.UNKNOWN_AT_ACD: 1}


async def test_a_difference_seen_once_is_not_believed_however_late_that_is(job: Job) -> None:
    assert not await job.look(10_000)


async def test_a_contact_that_moves_is_not_touched(job: Job) -> None:
    await job.look(100)
    job.story.do(RecordOffered(job.story.one, 1, 1, "ag_li"))
    assert not await job.look(160)
    assert await job.look(220)


async def test_a_difference_that_went_away_and_came_again_begins_anew(job: Job) -> None:
    await job.look(100)
    job.others.acd = {job.story.one: WAITING}
    await job.look(140)
    job.others.acd = {}
    assert not await job.look(160)


async def test_a_service_that_is_away_says_nothing_about_anybody(job: Job) -> None:
    job.others.acd = None
    for now in (100, 160, 220):
        assert not await job.look(now)
    job.others.acd = {}
    assert not await job.look(280)
    job.others.acd = None
    assert not await job.look(340)
    job.others.acd = {}
    assert await job.look(350)


async def test_a_contact_is_not_touched_while_facts_about_it_are_on_their_way(job: Job) -> None:
    job.others.told = 11
    await job.look(100)
    job.others.told = 50
    assert not await job.look(1_000)
    job.facts.applied = 11
    assert await job.look(1_001)


async def test_a_partition_that_does_not_answer_keeps_no_other_from_being_compared(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = job.ledger.read

    async def read_but_one(partition: int, view: Any) -> Any:
        if partition == 0:
            raise Transient("not yet")
        return await read(partition, view)

    monkeypatch.setattr(job.ledger, "read", read_but_one)
    monkeypatch.setattr(job.ledger, "partition_of", lambda _key: 1)
    job.ledger.owned = {0, 1}
    await job.look(100)
    assert await job.look(160)


async def test_another_difference_at_acd_begins_anew(job: Job) -> None:
    job.others.acd = {job.story.one: AtAcd(4, Stage.OFFERED, 1, 1, "ag_li")}
    await job.look(100)
    job.others.acd = {job.story.one: AtAcd(4, Stage.OFFERED, 1, 2, "ag_wu")}
    assert not await job.look(160)
    assert await job.look(220)


async def test_a_partition_that_was_lost_is_judged_anew(job: Job) -> None:
    await job.look(100)
    job.ledger.lose(0)
    assert not await job.look(160)


async def test_orphans_elsewhere_are_ended_there_with_the_next_step(job: Job) -> None:
    job.others.acd = {job.story.one: WAITING, STRANGE: AtAcd(7, Stage.CONNECTED, 1, 1, "ag_li"), "no contact": WAITING}
    job.others.ivr = {STRANGE: AtIvr(2, 1)}
    for now in (100, 160):
        assert not await job.look(now)
    assert job.others.asked == [("acd", STRANGE, 8), ("ivr", STRANGE, 3)]


async def test_what_a_closed_contact_still_has_elsewhere_is_left_to_its_clean_up(job: Job) -> None:
    job.others.acd = {job.story.one: WAITING}
    job.story.do(CloseContact(job.story.one, CloseReason.CUSTOMER_LEFT, ""))
    for now in (100, 200):
        await job.look(now)
    assert job.others.asked == []


async def test_a_remedy_that_fails_is_tried_at_the_next_look(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_submission: Any) -> None:
        raise Transient("away")

    await job.look(100)
    with monkeypatch.context() as away:
        away.setattr(job.ledger, "submit", refuse)
        assert not await job.look(160)
        assert not job.reconciliation.reconciled
    assert await job.look(161)


async def test_a_contact_that_all_agree_on_is_never_touched(job: Job) -> None:
    job.others.acd = {job.story.one: WAITING}
    for now in range(0, 10_000, 20):
        await job.look(now)
    assert job.story.contact.state is ContactState.QUEUED
    assert job.reconciliation.differences == 0
