"""A wrong seed file is one sentence; what cannot be applied for now is tried again, what has moved on is left."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from trunkline_console.adapters import seeding
from trunkline_console.adapters.seeding import Seeding
from trunkline_console.adapters.seeds import read_seed
from trunkline_core.errors import Invalid, Misconfigured, NotFound, Overloaded, Rejection, Transient, TrunklineError

TENANT = {"tenant_id": "tn_1", "name": "One", "time_zone": "UTC"}
QUEUE = {"queue_id": "qu_1", "name": {"zh": "一", "en": "one"}}


class Directory:
    """Answers with what it is told to, then with yes."""

    def __init__(self, *refusals: TrunklineError) -> None:
        self.asked: list[str] = []
        self._refusals = list(refusals)

    async def execute(self, command: Any, principal: Any, timeout_s: float) -> None:
        self.asked.append(command.WhichOneof("command"))
        if self._refusals:
            raise self._refusals.pop(0)


def state_with(*, is_published: bool) -> Any:
    """A directory in which qu_1 is defined and nobody may log in."""
    users = SimpleNamespace(find=lambda tenant, user_id: None)
    queues = SimpleNamespace(find=lambda tenant, queue_id: QUEUE if queue_id == "qu_1" else None)
    policy = SimpleNamespace(is_published=is_published)
    return SimpleNamespace(users=users, queues=queues, policy=lambda tenant: policy)


UNPUBLISHED = state_with(is_published=False)


def seeding_of(folder: Path, directory: Directory, state: Any = UNPUBLISHED, **sections: Any) -> Seeding:
    path = folder / "seed.yaml"
    path.write_text(yaml.safe_dump({"tenant": TENANT} | sections), encoding="utf-8")
    ledger: Any = SimpleNamespace(partition_of=lambda tenant: 0, state=lambda number: state)
    client: Any = directory
    sealer: Any = None
    return Seeding(path, ledger, client, sealer)


@pytest.mark.parametrize(
    "text, says",
    [
        ("tenant: [", "cannot be read"),
        ("- 1", "names no tenant.tenant_id"),
        ("tenant: {name: One}", "names no tenant.tenant_id"),
        ("tenant: {tenant_id: tn_1}\nqueues: {queue_id: qu_1}", "is wrong in queues"),
        ("tenant: {tenant_id: tn_1}\nusers: [{login: li}]", "is wrong in users"),
    ],
)
def test_a_file_of_the_wrong_form_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "seed.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=f"^The seed file seed.yaml {says}"):
        read_seed(tmp_path / "seed.yaml")


@pytest.mark.parametrize("wrong", [Invalid("queue.name", "must be written"), NotFound("queue", "qu_9")])
async def test_a_definition_that_is_wrong_is_one_sentence_that_names_its_kind(
    tmp_path: Path, wrong: TrunklineError
) -> None:
    applying = seeding_of(tmp_path, Directory(wrong), queues=[QUEUE])
    with pytest.raises(Misconfigured, match=r"^The seed file seed.yaml is wrong in define_tenant: .*(queue.name|qu_9)"):
        await applying.run()
    assert not applying.is_done


async def test_what_cannot_be_done_now_is_tried_again_and_what_has_moved_on_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "RETRY_S", 0)
    directory = Directory(Transient("no owner"), Overloaded("the lane", retry_after_s=1.0), Rejection("OlderVersion"))
    applying = seeding_of(tmp_path, directory, queues=[QUEUE])
    await applying.run()
    assert directory.asked == ["define_tenant"] * 3 + ["define_queue"]
    assert applying.is_done


async def test_hooks_come_after_the_entry_points_they_name_and_notice_targets_are_taken_too(tmp_path: Path) -> None:
    directory = Directory()
    hook = {"hook_id": "hk_1", "entry_point_id": "ep_1", "secret_names": ["now"]}
    target = {"target_id": "nt_1", "url": "https://shop.example/", "secret_names": ["now", "next"]}
    applying = seeding_of(
        tmp_path, directory, hooks=[hook], notice_targets=[target], entry_points=[{"entry_point_id": "ep_1"}]
    )
    await applying.run()
    assert directory.asked == ["define_tenant", "define_entry_point", "define_hook", "define_notice_target"]


async def test_a_published_policy_is_not_taken_back_by_the_queues_of_the_file_and_a_new_queue_is_made(
    tmp_path: Path,
) -> None:
    directory = Directory()
    state, new = state_with(is_published=True), QUEUE | {"queue_id": "qu_2"}
    await seeding_of(tmp_path, directory, state, queues=[QUEUE, new]).run()
    assert directory.asked == ["define_tenant", "define_queue"]
