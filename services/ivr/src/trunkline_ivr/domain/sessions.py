"""A contact's session: begins, takes input or runs out of patience, ends.

Owns: which step or timer may move a session. Must not: know what nodes do beyond a question's answers.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound, Overloaded, Rejection
from trunkline_core.flows import FlowStep, GatherNode, MenuNode
from trunkline_core.replacing import replace
from trunkline_core.sealed import check_sealed
from trunkline_core.timers import Timer

from trunkline_ivr.domain.commands import AdvanceSession, EndSession, ExpireInput, StartSession
from trunkline_ivr.domain.events import (
    Event,
    InputAwaited,
    InputExpired,
    InputTaken,
    PersonRequested,
    SelfServiceCompleted,
    SessionEnded,
    SessionStarted,
    TextSaid,
)
from trunkline_ivr.domain.state import IvrState, Session, Trace, Waiting
from trunkline_ivr.domain.steps import check_step, is_repeated
from trunkline_ivr.domain.walk import walk

MAX_SESSIONS = 50_000
OVERLOAD_RETRY_S = 5.0
MAX_ATTRIBUTES = 32
MAX_ATTRIBUTE_CHARS = 256
MAX_ATTRIBUTES_BYTES = 16 * 1024  # they are in the command and in the event of one record
MAX_TEXT_BYTES = 31 * 1024  # so is a text, and the record holds 64 KiB (ledger rule 6); channels takes no more either


def start(state: IvrState, command: StartSession, context: Context) -> Iterator[Event]:
    """Run the newest version of the flow until it waits or is done.

    Raises: NotFound for an unknown flow; Rejection(`StaleStep`, `SessionRunning`, `SessionOver`); Invalid; Overloaded.
    """
    if is_repeated(state, command.contact_id, command.step_no, context):
        return
    if command.contact_id in state.sessions:
        raise Rejection("SessionRunning")
    if state.trace(command.contact_id, context.now) is not None:
        raise Rejection("SessionOver")
    _check_start(command)
    flow = state.newest_flow(context.tenant, command.flow_id)
    if flow is None:
        raise NotFound("flow", command.flow_id)
    if len(state.sessions) >= MAX_SESSIONS:
        raise Overloaded("self-service", OVERLOAD_RETRY_S)
    yield SessionStarted(
        contact_id=command.contact_id,
        step_no=command.step_no,
        flow_id=command.flow_id,
        flow_version=flow.version,
        attributes=command.attributes,
        locale=command.locale,
    )
    yield from walk(state, _session(state, command.contact_id), flow.definition.start_node, context)


def advance(state: IvrState, command: AdvanceSession, context: Context) -> Iterator[Event]:
    """Take the customer's input where the session waits, and go on; no match asks the same again.

    Raises: NotFound; Rejection(`StaleStep`, `NotAwaited`); Invalid.
    """
    if is_repeated(state, command.contact_id, command.step_no, context):
        return
    session, step = _awaiting(state, command, context)
    next_node, attribute = _answer(step, command)
    yield InputTaken(
        contact_id=command.contact_id,
        step_no=command.step_no,
        node_id=command.node_id,
        option_id=command.option_id,
        attribute=attribute,
        text=command.text if attribute else None,
    )
    yield from walk(state, _session(state, session.contact_id), next_node, context)


def expire(state: IvrState, command: ExpireInput, context: Context) -> Iterator[Event]:
    """Go on without an answer once the time is up; a timer that is not the session's own changes nothing."""
    timer = state.timers.get(timer_key(command.contact_id))
    session = state.sessions.get(command.contact_id)
    if session is None or session.tenant != context.tenant or timer is None:
        return
    if timer.command != command or timer.due > context.now:
        return
    step = state.flow_of(session).steps[command.node_id]
    assert isinstance(step, MenuNode | GatherNode), "a session waits only at questions"
    yield InputExpired(command.contact_id, command.node_id)
    yield from walk(state, _session(state, command.contact_id), step.timeout_node, context)


def end(state: IvrState, command: EndSession, context: Context) -> Iterator[Event]:
    """Forget the session. Always answered, also for a contact that never had one: its late start is refused then.

    Raises: Rejection(`StaleStep`); NotFound for another tenant's contact; Invalid.
    """
    check_step(command.contact_id, command.step_no)
    is_repeated(state, command.contact_id, command.step_no, context)
    yield SessionEnded(command.contact_id, command.step_no)


def apply_started(state: IvrState, event: SessionStarted, context: Context) -> None:
    """Insert the session."""
    state.begin(
        Session(
            tenant=context.tenant,
            contact_id=event.contact_id,
            step_no=event.step_no,
            flow_id=event.flow_id,
            flow_version=event.flow_version,
            attributes=event.attributes,
        )
    )


def apply_input_taken(state: IvrState, event: InputTaken) -> None:
    """The customer is there: silence is counted from here on."""
    session = _session(state, event.contact_id)
    state.timers.cancel(timer_key(event.contact_id))
    state.sessions.put(event.contact_id, replace(session, step_no=event.step_no, waiting=None, silent_visits=0))


def apply_input_expired(state: IvrState, event: InputExpired) -> None:
    """The wait is over."""
    state.timers.cancel(timer_key(event.contact_id))
    state.sessions.put(event.contact_id, replace(_session(state, event.contact_id), waiting=None))


def apply_text_said(state: IvrState, event: TextSaid) -> None:
    """One more node without a word of the customer."""
    session = _session(state, event.contact_id)
    state.sessions.put(event.contact_id, replace(session, silent_visits=session.silent_visits + 1))


def apply_awaited(state: IvrState, event: InputAwaited) -> None:
    """Wait at the node. The timer is a lease: nobody could answer while the partition had no owner."""
    session = _session(state, event.contact_id)
    after = replace(
        session,
        waiting=Waiting(event.node_id, event.visit_no),
        visit_no=event.visit_no,
        silent_visits=session.silent_visits + 1,
    )
    state.sessions.put(event.contact_id, after)
    command = ExpireInput(event.contact_id, event.node_id, event.visit_no)
    key = timer_key(event.contact_id)
    state.timers.set(Timer(key, event.expires_time, session.tenant, command, is_lease=True))


def apply_done(state: IvrState, event: PersonRequested | SelfServiceCompleted, context: Context) -> None:
    """Only the step number stays until the contact is over."""
    state.timers.cancel(timer_key(event.contact_id))
    state.finish(event.contact_id, context.now)


def apply_ended(state: IvrState, event: SessionEnded, context: Context) -> None:
    """Leave a trace that refuses late steps."""
    state.timers.cancel(timer_key(event.contact_id))
    state.end(event.contact_id, Trace(context.tenant, event.step_no, is_ended=True), context.now)


def timer_key(contact_id: str) -> str:
    """Return the key of the contact's only timer."""
    return f"input/{contact_id}"


def _session(state: IvrState, contact_id: str) -> Session:
    session = state.sessions.get(contact_id)
    assert session is not None, "only a running session has such events"
    return session


def _awaiting(state: IvrState, command: AdvanceSession, context: Context) -> tuple[Session, FlowStep]:
    session = state.sessions.get(command.contact_id)
    if session is None:
        if state.trace(command.contact_id, context.now) is not None:
            raise Rejection("NotAwaited")
        raise NotFound("session", command.contact_id)
    if session.waiting is None or session.waiting.node_id != command.node_id:
        raise Rejection("NotAwaited")
    return session, state.flow_of(session).steps[command.node_id]


def _answer(step: FlowStep, command: AdvanceSession) -> tuple[str, str]:
    """Return the node that follows and the name under which the text is kept, empty for none."""
    if isinstance(step, GatherNode):
        check_sealed("text", command.text, MAX_TEXT_BYTES)
        return step.next_node, step.attribute
    assert isinstance(step, MenuNode), "a session waits only at questions"
    if not command.option_id:
        return command.node_id, ""
    for option in step.options:
        if option.option_id == command.option_id:
            return option.next_node, ""
    raise Invalid("option_id", "is no choice of the menu")


def _check_start(command: StartSession) -> None:
    if len(command.attributes) > MAX_ATTRIBUTES:
        raise Invalid("attributes", f"must have at most {MAX_ATTRIBUTES} entries")
    for name, value in command.attributes.items():
        if not name or max(len(name), len(value)) > MAX_ATTRIBUTE_CHARS:
            raise Invalid("attributes", f"names and values must have at most {MAX_ATTRIBUTE_CHARS} characters")
    if sum(len(word.encode()) for entry in command.attributes.items() for word in entry) > MAX_ATTRIBUTES_BYTES:
        raise Invalid("attributes", f"must have at most {MAX_ATTRIBUTES_BYTES // 1024} KiB together")
    if len(command.locale) > 16:
        raise Invalid("locale", "must have at most 16 characters")
