"""Steps of the saga: at most one is outstanding in a contact, and a newer one replaces an older one.

Owns: their numbers, and what the row remembers when a step begins.
Must not: carry a step out; application/steps.py does.
"""

from collections.abc import Iterator

from trunkline_core.replacing import replace

from trunkline_channels.domain import timing
from trunkline_channels.domain.contact import Contact, Step
from trunkline_channels.domain.events import StepBegun
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import CallbackState, StepKind

# Parking is under way, the chat goes elsewhere, or somebody is asked about it.
_STAYS = (StepKind.PARK, StepKind.TRANSFER, StepKind.TAKE_OVER, StepKind.CONSULT)


def begin(state: ChannelsState, contact_id: str, kind: StepKind) -> Iterator[StepBegun]:
    """Ask another service for something."""
    contact = state.contacts.get(contact_id)
    assert contact is not None, "a step belongs to a contact"
    yield StepBegun(contact_id, contact.step_no + 1, kind.value)


def answers(contact: Contact, step_no: int, *kinds: StepKind) -> bool:
    """Tell whether an answer to step `step_no` answers the outstanding step, and that is one of `kinds`."""
    step = contact.step
    return step is not None and step.step_no == step_no and step.kind in kinds


def apply_begun(state: ChannelsState, contact: Contact, event: StepBegun) -> None:
    """Keep the step until it is answered, and who may hold the contact from now on."""
    kind = StepKind(event.kind)
    if contact.callback is CallbackState.REQUESTED and kind is not StepKind.REQUEST_CALLBACK:
        contact = replace(contact, callback=CallbackState.UNSPECIFIED)  # overtaken: somebody takes the call already
    if kind in _STAYS:
        timing.stop_watching(state, contact.contact_id, timing.PARKING)
    step = Step(event.step_no, kind, contact.segment_no, contact.offer_no)
    state.put(
        replace(
            contact,
            step_no=event.step_no,
            step=step,
            in_session=contact.in_session or kind is StepKind.START_SESSION,
            at_acd=contact.at_acd or kind is StepKind.ENQUEUE,
        )
    )
