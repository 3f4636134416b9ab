"""A contact comes in, its customer is looked up, and its flow starts."""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound
from trunkline_core.ids import check_id, contact_prefix
from trunkline_core.replacing import replace

from trunkline_channels.domain import checks, commands, identity, steps, timing
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import ContactOpened, CustomerIdentified, Event
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import StepKind


def open_contact(state: ChannelsState, command: commands.OpenContact, context: Context) -> Iterator[Event]:
    """A customer came in, held by an edge."""
    check_id("peer_id", command.peer_id)
    yield from opened(state, command, context)


def opened(state: ChannelsState, command: commands.OpenContact, context: Context) -> Iterator[Event]:
    """Open the contact and have its customer looked up, unless its address is withheld; again it changes nothing."""
    entry_point = state.entry_point(command.entry_point_id, context.tenant)
    _check(command)
    known = state.contacts.get(command.contact_id)
    if known is not None:
        if known.tenant != context.tenant:
            raise NotFound("contact", command.contact_id)
        return
    yield ContactOpened(
        contact_id=command.contact_id,
        entry_point_id=command.entry_point_id,
        channel=entry_point.channel,
        flow_id=entry_point.flow_id,
        address_token=command.address_token,
        address=checks.checked("address", command.address),
        attributes=command.attributes,
        locale=command.locale,
        peer_id=command.peer_id,
        address_withheld=command.address_withheld,
    )
    if command.address_withheld:  # crm would take all of them for one customer
        yield from go_on(state, CustomerIdentified(command.contact_id, ""))
    else:
        yield from steps.begin(state, command.contact_id, StepKind.RESOLVE_CUSTOMER)


def record_customer(state: ChannelsState, command: commands.RecordCustomer, context: Context) -> Iterator[Event]:
    """crm answered, or did not in time; a late answer still names the customer of a contact that went on without."""
    contact = state.contact(command.contact_id, context.tenant)
    if steps.answers(contact, command.step_no, StepKind.RESOLVE_CUSTOMER):
        yield from go_on(state, _identified(command))
    elif command.customer_id and not contact.customer_id and not contact.is_over:
        yield _identified(command)


def go_on(state: ChannelsState, identified: CustomerIdentified) -> Iterator[Event]:
    """The customer is known as well as may be: start the flow."""
    yield identified
    yield from steps.begin(state, identified.contact_id, StepKind.START_SESSION)


def apply_opened(state: ChannelsState, event: ContactOpened, context: Context) -> None:
    """Insert the row."""
    contact = Contact(
        contact_id=event.contact_id,
        tenant=context.tenant,
        entry_point_id=event.entry_point_id,
        channel=event.channel,
        flow_id=event.flow_id,
        address_token=event.address_token,
        address=event.address,
        attributes=event.attributes,
        locale=event.locale,
        peer_id=event.peer_id,
        opened_time=context.now,
        brought_by=context.actor,
        address_withheld=event.address_withheld,
    )
    state.put(contact)
    timing.watch_silence(state, contact, context.now)


def apply_identified(state: ChannelsState, contact: Contact, event: CustomerIdentified) -> None:
    """Keep the customer, and the step that goes on meanwhile when the answer was late."""
    is_answered = contact.step is None or contact.step.kind is StepKind.RESOLVE_CUSTOMER
    state.put(
        replace(
            contact,
            customer_id=event.customer_id,
            account_owner_id=event.account_owner_id,
            last_agent_id=event.last_agent_id,
            step=None if is_answered else contact.step,
        )
    )


def _identified(command: commands.RecordCustomer) -> CustomerIdentified:
    return CustomerIdentified(
        command.contact_id,
        command.customer_id,
        account_owner_id=command.account_owner_id,
        last_agent_id=command.last_agent_id,
    )


def _check(command: commands.OpenContact) -> None:
    identity.partition_token(command.contact_id)
    if not command.address_token or not command.contact_id.startswith(contact_prefix(command.address_token)):
        raise Invalid("address_token", "must begin with the contact id's token")
    check_id("address_token", command.address_token)
    checks.check_locale(command.locale)
    checks.check_attributes(command.attributes)
    checks.checked("address", command.address)
