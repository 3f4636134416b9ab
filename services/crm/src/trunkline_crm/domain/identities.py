"""Who is behind an address: one customer of the tenant, found or created.

Owns: that an address belongs to one customer, and that a repeated step gets its first answer.
"""

from collections.abc import Iterator
from itertools import count

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound, Rejection
from trunkline_core.ids import check_id, contact_prefix
from trunkline_core.sealed import check_sealed

from trunkline_crm.domain import agents
from trunkline_crm.domain.commands import ResolveCustomer
from trunkline_crm.domain.events import ContactResolved, CustomerCreated, Event, IdentityAdded
from trunkline_crm.domain.state import Answer, CrmState, Identity
from trunkline_crm.domain.words import Channel

MAX_ADDRESS_BYTES = 1024


def resolve(state: CrmState, command: ResolveCustomer, context: Context) -> Iterator[Event]:
    """Find the customer of the address, or create one unless only known ones are wanted: then nothing is said.

    A repeated step says again whose it is, and whether that customer may be called as it stands now.

    Raises: Rejection(`StaleStep`); NotFound for another tenant's contact; Invalid.
    """
    _check(command)
    if answer := _answer(state, command, context):
        yield _resolved(state, answer.customer_id, command, context)
        return
    identity = Identity(command.channel, command.address_token)
    customer_id = state.owner_of(context.tenant, identity)
    if customer_id is None and command.only_known:
        return
    if customer_id is None:
        customer_id = _new_customer_id(state, context)
        yield CustomerCreated(customer_id)
        yield IdentityAdded(customer_id, command.channel, command.address_token, command.address)
    yield _resolved(state, customer_id, command, context)


def apply_created(state: CrmState, event: CustomerCreated, context: Context) -> None:
    """Insert the customer."""
    state.customers.put(event.customer_id, state.grown(context.tenant, event.customer_id))


def apply_identity_added(state: CrmState, event: IdentityAdded, context: Context) -> None:
    """The address belongs to the customer now."""
    customer = state.grown(context.tenant, event.customer_id)
    state.add_identity(event.customer_id, customer, Identity(event.channel, event.address_token))


def apply_resolved(state: CrmState, event: ContactResolved, context: Context) -> None:
    """Remember what the contact was told."""
    state.customers.put(event.customer_id, state.grown(context.tenant, event.customer_id))
    answer = Answer(context.tenant, event.contact_id, event.customer_id, event.step_no)
    state.answers.put(event.contact_id, answer, context.now)


def _resolved(state: CrmState, customer_id: str, command: ResolveCustomer, context: Context) -> ContactResolved:
    customer = state.customer(context.tenant, customer_id)
    return ContactResolved(
        customer_id,
        command.contact_id,
        command.step_no,
        do_not_call=customer.do_not_call,
        account_owner_id=customer.account_owner_id,
        last_agent_id=agents.last_agent(customer, context.now),
    )


def _answer(state: CrmState, command: ResolveCustomer, context: Context) -> Answer | None:
    """Return what this very step was told, unless that customer is erased: then nobody may be reminded of it."""
    answer = state.answers.get(command.contact_id, context.now)
    if answer is None:
        return None
    if answer.tenant != context.tenant:
        raise NotFound("contact", command.contact_id)
    if command.step_no < answer.step_no:
        raise Rejection("StaleStep")
    is_erased = state.customer(context.tenant, answer.customer_id).is_erased
    return answer if command.step_no == answer.step_no and not is_erased else None


def _new_customer_id(state: CrmState, context: Context) -> str:
    """The same step may come again after its customer was erased; the newcomer must not get the erased one's id."""
    ids = (context.new_id("cu", ordinal) for ordinal in count())
    return next(customer_id for customer_id in ids if customer_id not in state.customers)


def _check(command: ResolveCustomer) -> None:
    check_id("contact_id", command.contact_id)
    if command.step_no < 1:
        raise Invalid("step_no", "must be at least 1")
    if command.channel is Channel.UNSPECIFIED:
        raise Invalid("channel", "must be set")
    check_id("address_token", command.address_token)
    if not command.contact_id.startswith(contact_prefix(command.address_token)):
        raise Invalid("contact_id", "must begin with the address token's")  # else an erasure would miss its keys
    check_sealed("address", command.address, MAX_ADDRESS_BYTES)
