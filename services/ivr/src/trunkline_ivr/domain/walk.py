"""The way of a session through its flow, up to the next pause or the end.

Owns: what each kind of node does, and that no way is endless. Must not: know steps of the saga or repeated commands.
"""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core.decider import Context
from trunkline_core.flows import (
    ConditionBranch,
    ConditionNode,
    EndNode,
    EnqueueNode,
    GatherNode,
    MenuNode,
    SayNode,
    is_open,
)

from trunkline_ivr.domain.events import Event, InputAwaited, PersonRequested, SelfServiceCompleted, TextSaid
from trunkline_ivr.domain.state import IvrState, Session

MAX_SILENT_VISITS = 200  # a menu that falls back to itself would ask a customer who is gone for ever


def walk(state: IvrState, session: Session, node_id: str, context: Context) -> Iterator[Event]:
    """Yield what happens from `node_id` on until the session waits or the flow is done."""
    steps = state.flow_of(session).steps
    for _ in range(session.silent_visits, MAX_SILENT_VISITS):
        match steps[node_id]:
            case SayNode() as say:
                yield TextSaid(session.contact_id, node_id, say.text)
                node_id = say.next_node
            case ConditionNode() as condition:
                node_id = _chosen(state, session, condition, context)
            case (MenuNode() | GatherNode()) as question:
                yield awaited(session, node_id, question, context)
                return
            case EnqueueNode() as enqueue:
                yield _person_requested(session, node_id, enqueue)
                return
            case EndNode() as end:
                yield SelfServiceCompleted(session.contact_id, node_id, end.text)
                return
            case other:
                assert_never(other)
    yield SelfServiceCompleted(session.contact_id, node_id, None)


def awaited(session: Session, node_id: str, question: MenuNode | GatherNode, context: Context) -> InputAwaited:
    """Return the event that the session waits at this node, once more than before."""
    options = question.options if isinstance(question, MenuNode) else ()
    expires = context.now + question.timeout_duration
    return InputAwaited(session.contact_id, node_id, session.visit_no + 1, question.prompt, options, expires)


def _chosen(state: IvrState, session: Session, condition: ConditionNode, context: Context) -> str:
    for branch in condition.branches:
        if _holds(state, session, branch, context):
            return branch.next_node
    return condition.else_node


def _holds(state: IvrState, session: Session, branch: ConditionBranch, context: Context) -> bool:
    """Unknown hours are closed (routing rule 17): a contact must not wait for people who may not be there."""
    if not branch.hours_id:
        return session.attributes.get(branch.attribute) == branch.equals
    hours = state.hours.get((session.tenant, branch.hours_id))
    return hours is not None and is_open(hours, context.now)


def _person_requested(session: Session, node_id: str, enqueue: EnqueueNode) -> PersonRequested:
    return PersonRequested(
        contact_id=session.contact_id,
        node_id=node_id,
        queue_id=enqueue.queue_id,
        value_permille=enqueue.value_permille,
        urgency_permille=enqueue.urgency_permille,
        requirements=enqueue.requirements,
        text=enqueue.text,
        choices=enqueue.choices,
    )
