"""REST for administrators: the routing policy of their tenant, its versions, what differs between two, and trials."""

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Annotated, Any

from fastapi import FastAPI, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from trunkline.directory.v1.directory_commands_pb2 import DirectoryCommand
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline_core.errors import Conflict, Invalid, NotFound
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Principal, Role
from trunkline_platform.http import PROBLEM

from trunkline_console.adapters.policies import changed_queues, differences, queue_row
from trunkline_console.adapters.wire import WIRE
from trunkline_console.application.accounts import Accounts
from trunkline_console.domain import policies, trials
from trunkline_console.domain.commands import EndPolicyTrial, PublishPolicy, RollBackPolicy, StartPolicyTrial
from trunkline_console.domain.policies import Queues
from trunkline_console.domain.state import Block, Directory, PolicyTrial, PolicyVersion
from trunkline_console.entrypoints.forms import Confirmation, PolicyDraft, PolicyForm, RollBackForm, TrialForm
from trunkline_console.entrypoints.sessions import Sessions

POLICY = "/api/v1/routing-policy"
Version = Annotated[int, Path(ge=1, lt=2**63)]
TrialNo = Annotated[int, Path(ge=1, lt=2**63)]
Etag = Annotated[str, Header(max_length=32)]


class PolicyDesk:
    """What the routes need: who asks, the directory as this replica reads it, and `commands` that send to it."""

    def __init__(self, sessions: Sessions, accounts: Accounts, commands: CommandClient) -> None:
        self.commands = commands
        self._sessions = sessions
        self._accounts = accounts

    def enter(self, request: Request) -> tuple[Principal, Directory]:
        """Return who asks and what the tenant has. Raises: Unauthenticated, Forbidden for all but administrators."""
        principal = self._sessions.account(request).principal()
        principal.require(Role.ADMIN)
        return principal, self._accounts.directory(principal.tenant)

    async def change(
        self,
        principal: Principal,
        state: Directory,
        command: DirectoryCommand,
        command_id: str,
        based_on: int,
        tell: Callable[[Sequence[DirectoryEvent], int], Response],
    ) -> Response:
        """Return what is told of the events; for a policy that changed meanwhile what is current, and what changed.

        Raises: Invalid, NotFound, Rejection, Conflict for another payload under a known command_id; Transient.
        """
        try:
            events = await self.commands.execute(command, principal, command_id=command_id)
        except Conflict as conflict:
            if not str(conflict).startswith(policies.CHANGED_MEANWHILE):
                raise
            return _changed_meanwhile(state, principal.tenant, based_on, str(conflict))
        return tell(events, based_on)


def add_policy_routes(app: FastAPI, desk: PolicyDesk) -> None:
    """Add the routes below `/api/v1/routing-policy`."""
    _add_reads(app, desk)
    _add_changes(app, desk)
    _add_trials(app, desk)


def _add_reads(app: FastAPI, desk: PolicyDesk) -> None:
    @app.get(POLICY)
    async def current(request: Request, response: Response) -> dict[str, Any]:
        principal, state = desk.enter(request)
        version, trial = state.policy(principal.tenant).version, state.running_trial(principal.tenant)
        response.headers.update(_etag(version))
        queues = _rows(policies.content(state, principal.tenant, version))
        return {"version": version, "queues": queues, "trial": _turn(trial) if trial else None}

    @app.get(f"{POLICY}/versions")
    async def versions(request: Request) -> dict[str, Any]:
        principal, state = desk.enter(request)
        return {"versions": [_told(version) for version in policies.versions(state, principal.tenant)]}

    @app.get(f"{POLICY}/versions/{{version}}")
    async def one_version(version: Version, request: Request) -> dict[str, Any]:
        principal, state = desk.enter(request)
        queues = policies.content(state, principal.tenant, version)
        [kept] = [row for row in policies.versions(state, principal.tenant) if row.version == version]
        return {**_told(kept), "queues": _rows(queues)}

    @app.get(f"{POLICY}/compare")
    async def compare(
        request: Request,
        first: Annotated[int, Query(alias="from", ge=0, lt=2**63)],
        second: Annotated[int, Query(alias="to", ge=0, lt=2**63)],
    ) -> dict[str, Any]:
        principal, state = desk.enter(request)
        before, after = (policies.content(state, principal.tenant, version) for version in (first, second))
        return {"from": first, "to": second, "queues": differences(before, after)}


def _add_changes(app: FastAPI, desk: PolicyDesk) -> None:
    @app.put(POLICY)
    async def publish(form: PolicyForm, request: Request, if_match: Etag = "") -> Response:
        principal, state = desk.enter(request)
        based_on = _version_of(if_match)
        queues = changed_queues(form.every_queue, form.queues, policies.queues_in_force(state, principal.tenant))
        command = WIRE.command_to_message(PublishPolicy(based_on, tuple(queues), form.note))
        return await desk.change(principal, state, command, form.command_id, based_on, _new_version)

    @app.post(f"{POLICY}/rollback")
    async def roll_back(form: RollBackForm, request: Request, if_match: Etag = "") -> Response:
        principal, state = desk.enter(request)
        based_on = _version_of(if_match)
        command = WIRE.command_to_message(RollBackPolicy(based_on, form.to_version, form.note))
        return await desk.change(principal, state, command, form.command_id, based_on, _new_version)

    @app.post(f"{POLICY}/check")
    async def check(form: PolicyDraft, request: Request) -> dict[str, Any]:
        principal, state = desk.enter(request)
        before = policies.queues_in_force(state, principal.tenant)
        queues = changed_queues(form.every_queue, form.queues, before)
        changed = policies.checked_change(state, principal.tenant, queues)
        after = before | {queue.queue_id: queue for queue in changed}
        return {"version": state.policy(principal.tenant).version, "queues": differences(before, after)}


def _add_trials(app: FastAPI, desk: PolicyDesk) -> None:
    @app.get(f"{POLICY}/trials")
    async def kept(request: Request) -> dict[str, Any]:
        principal, state = desk.enter(request)
        return {"trials": [_trial(trial) for trial in trials.trials(state, principal.tenant)]}

    @app.post(f"{POLICY}/trials")
    async def start(form: TrialForm, request: Request, if_match: Etag = "") -> Response:
        principal, state = desk.enter(request)
        based_on = _version_of(if_match)
        queues = changed_queues(form.every_queue, form.queues, policies.queues_in_force(state, principal.tenant))
        block = timedelta(seconds=int(form.block_duration.removesuffix("s")))
        wanted = StartPolicyTrial(based_on, tuple(queues), block, form.pairs, form.start_time, form.note)
        command = WIRE.command_to_message(wanted)
        return await desk.change(principal, state, command, form.command_id, based_on, _new_trial)

    @app.post(f"{POLICY}/trials/{{trial_no}}/end")
    async def end(trial_no: TrialNo, form: Confirmation, request: Request) -> dict[str, Any]:
        principal, _ = desk.enter(request)
        command = WIRE.command_to_message(EndPolicyTrial(trial_no))
        events = await desk.commands.execute(command, principal, command_id=form.command_id)
        return {"trial_no": trial_no, "changed": bool(events)}


def _new_version(events: Sequence[DirectoryEvent], based_on: int) -> Response:
    version = events[0].policy_published.version if events else based_on
    return JSONResponse({"version": version, "changed": bool(events)}, headers=_etag(version))


def _new_trial(events: Sequence[DirectoryEvent], based_on: int) -> Response:
    started = events[0].policy_trial_started
    begin = started.start_time.ToDatetime(UTC)
    end = begin + 2 * started.pairs * started.block_duration.ToTimedelta()
    told = {"trial_no": started.trial_no, "start_time": begin.isoformat(), "end_time": end.isoformat()}
    return JSONResponse(told, headers=_etag(based_on))


def _rows(queues: Queues) -> list[dict[str, Any]]:
    return [queue_row(queues[queue_id]) for queue_id in sorted(queues)]


def _told(version: PolicyVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "published_time": version.published_time.isoformat(),
        "actor": version.actor,
        "note": version.note,
        "rolled_back_to": version.rolled_back_to or None,
        "changed_queues": [replaced.queue_id for replaced in version.replaced],
    }


def _trial(trial: PolicyTrial) -> dict[str, Any]:
    baseline, candidate = ({queue.queue_id: queue for queue in side} for side in (trial.baseline, trial.candidate))
    return {
        "trial_no": trial.trial_no,
        "state": _state(trial),
        "phase": _phase(trial),
        "start_time": trial.start_time.isoformat(),
        "end_time": trial.end_time.isoformat(),
        "ended_time": trial.ended_time.isoformat() if trial.ended_time else None,
        "block_duration": f"{trial.block_duration.total_seconds():.0f}s",
        "pairs": trial.pairs,
        "actor": trial.actor,
        "note": trial.note,
        "queues": differences(baseline, candidate),
        "blocks": [
            {
                "block": block.block_no,
                "policy": _side(block),
                "version": block.version,
                "begin_time": block.begin_time.isoformat(),
                "end_time": block.end_time.isoformat(),
            }
            for block in trial.blocks
        ],
    }


def _state(trial: PolicyTrial) -> str:
    """Of 0.1.0: `running` also while it waits for its first block, which `phase` tells apart."""
    return "running" if trial.ended_time is None else "complete" if trial.is_complete else "ended"


def _phase(trial: PolicyTrial) -> str:
    return "waiting" if trial.ended_time is None and not trial.blocks else _state(trial)


def _side(block: Block) -> str:
    return "B" if block.is_candidate else "A"


def _turn(trial: PolicyTrial) -> dict[str, Any]:
    """Return whose turn it is; without a block while the first one is waited for."""
    block = trial.blocks[-1] if trial.blocks else None
    return {
        "trial_no": trial.trial_no,
        "phase": _phase(trial),
        "block": block.block_no if block else None,
        "blocks": 2 * trial.pairs,
        "policy": _side(block) if block else None,
        "next_time": (block.end_time if block else trial.start_time).isoformat(),
        "end_time": trial.end_time.isoformat(),
    }


def _changed_meanwhile(state: Directory, tenant: str, based_on: int, detail: str) -> Response:
    """412 with the current version, and what changed since `based_on` where that one is still kept."""
    version = state.policy(tenant).version
    try:
        changes = differences(policies.content(state, tenant, based_on), policies.queues_in_force(state, tenant))
    except NotFound:
        changes = None
    document = {
        "type": "about:blank",
        "title": policies.CHANGED_MEANWHILE,
        "status": 412,
        "detail": detail,
        "version": version,
        "queues": changes,
    }
    return JSONResponse(document, 412, headers=_etag(version), media_type=PROBLEM)


def _etag(version: int) -> dict[str, str]:
    return {"etag": f'"{version}"'}


def _version_of(if_match: str) -> int:
    """Raises: Invalid, also without the header: nobody publishes over a policy that they did not read."""
    plain = if_match.strip().removeprefix("W/").strip('"')
    if not plain.isascii() or not plain.isdigit() or len(plain) > 18:
        raise Invalid("If-Match", "must be the version that the change was made from")
    return int(plain)
