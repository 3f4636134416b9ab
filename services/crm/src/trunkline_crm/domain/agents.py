"""Which agents a customer knows: whose account it is, and who had the customer last (routing rule 10).

Owns: that both are forgotten with the customer, and for how long somebody counts as the last one.
Must not: know whether that agent is there, or who is an agent at all; acd does.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trunkline_core.decider import Context
from trunkline_core.ids import check_id
from trunkline_core.replacing import replace

from trunkline_crm.domain.commands import RecordService, SetAccountOwner
from trunkline_crm.domain.events import AccountOwnerSet, CustomerServed, Event
from trunkline_crm.domain.state import CrmState, Customer

LAST_AGENT_LIFE = timedelta(days=14)
"""Who comes back about the same matter does so within days; later mostly about another, and being held only costs."""


def set_owner(state: CrmState, command: SetAccountOwner, context: Context) -> Iterator[Event]:
    """Say whose account the customer is; saying so again changes nothing. Raises: NotFound, Invalid."""
    customer = state.living(context.tenant, command.customer_id)
    if command.agent_id:
        check_id("agent_id", command.agent_id)
    if command.agent_id != customer.account_owner_id:
        yield AccountOwnerSet(command.customer_id, command.agent_id)


def record_service(state: CrmState, command: RecordService, context: Context) -> Iterator[Event]:
    """An agent has the contact; of one whose customer is not known, or erased, nothing is kept."""
    answer = state.answers.get(command.contact_id, context.now)
    if answer is None or answer.tenant != context.tenant:
        return
    if not state.customer(context.tenant, answer.customer_id).is_erased:
        yield CustomerServed(answer.customer_id, command.contact_id, command.agent_id)


def last_agent(customer: Customer, now: datetime) -> str:
    """Return who had the customer last; empty where that is too long ago."""
    served = customer.served_time
    return customer.last_agent_id if served is not None and now - served <= LAST_AGENT_LIFE else ""


def apply_owner(state: CrmState, event: AccountOwnerSet, context: Context) -> None:
    """Keep whose account it is."""
    customer = state.grown(context.tenant, event.customer_id)
    state.customers.put(event.customer_id, replace(customer, account_owner_id=event.agent_id))


def apply_served(state: CrmState, event: CustomerServed, context: Context) -> None:
    """Keep who had the customer, and when."""
    customer = state.grown(context.tenant, event.customer_id)
    served = replace(customer, last_agent_id=event.agent_id, served_time=context.now)
    state.customers.put(event.customer_id, served)
