"""Numbered steps of a contact's saga: repeated ones change nothing, lower ones are stale."""

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound, Rejection
from trunkline_core.ids import check_id

from trunkline_ivr.domain.state import IvrState


def is_repeated(state: IvrState, contact_id: str, step_no: int, context: Context) -> bool:
    """Tell whether this very step was done already.

    Raises: Rejection(`StaleStep`) for a lower one, NotFound for another tenant's contact, Invalid.
    """
    check_step(contact_id, step_no)
    known = state.sessions.get(contact_id) or state.trace(contact_id, context.now)
    if known is None:
        return False
    if known.tenant != context.tenant:
        raise NotFound("contact", contact_id)
    if step_no < known.step_no:
        raise Rejection("StaleStep")
    return step_no == known.step_no


def check_step(contact_id: str, step_no: int) -> None:
    """Raises: Invalid."""
    check_id("contact_id", contact_id)
    if step_no < 1:
        raise Invalid("step_no", "must be at least 1")
