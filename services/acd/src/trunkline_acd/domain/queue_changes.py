"""The customer who waits chooses another queue of the menu that plays (rule 18).

Owns: that the contact leaves its queue only where the other one takes it in, in one step, with its age.
Must not: touch a contact that rings, which an agent is about to have.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace

from trunkline_acd.domain import commands, moves
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.definitions import check_id
from trunkline_acd.domain.events import ContactRequeued, Event
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.steps import contact_for, is_repeated
from trunkline_acd.domain.words import Trigger

BY_CUSTOMER = "customer"


def change(domain: Domain, command: commands.ChangeQueue, context: Context) -> Iterator[Event]:
    """The contact goes on in that queue, or waits on where it is.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotWaiting`, also for one that is in another
    segment by now, `CallbackStays`, `InThatQueue`), or naming why the other queue does not take it in.
    """
    check_id("queue_id", command.queue_id)
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    _check_waiting(contact, command)
    queue = domain.queue(command.queue_id)
    moves.check_open(domain, contact, queue, context.now)
    yield ContactRequeued(contact.contact_id, contact.segment_no, queue.queue_id, BY_CUSTOMER)
    yield moves.flowed_out(contact, queue.queue_id, context.now)
    entered = replace(moves.next_segment(contact, queue), step_no=command.step_no)
    yield from moves.let_in(domain, entered, Trigger.CONTACT_MOVED, context)


def _check_waiting(contact: Contact, command: commands.ChangeQueue) -> None:
    if contact.stage is not Stage.WAITING or contact.segment_no != command.segment_no:
        raise Rejection("ContactNotWaiting")
    if contact.callback:
        raise Rejection("CallbackStays")
    if contact.queue_id == command.queue_id:
        raise Rejection("InThatQueue")
