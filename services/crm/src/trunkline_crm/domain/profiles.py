"""What is known of a customer, and that it is forgotten for good."""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace
from trunkline_core.sealed import check_sealed

from trunkline_crm.domain.commands import ChangeProfile, EraseCustomer, SetDoNotCall
from trunkline_crm.domain.events import CustomerErased, DoNotCallSet, Event, ProfileChanged
from trunkline_crm.domain.state import CrmState, Erasure

MAX_NAME_BYTES = 1024


def change(state: CrmState, command: ChangeProfile, context: Context) -> Iterator[Event]:
    """Change the profile, unless somebody else changed it after the version that the editor saw.

    Contacts that came meanwhile raise the customer's version too, but are no reason to refuse.

    Raises: NotFound, Invalid, Rejection(`ProfileChangedMeanwhile`).
    """
    customer = state.living(context.tenant, command.customer_id)
    check_sealed("name", command.name, MAX_NAME_BYTES)
    if not 0 <= command.expected_version <= customer.version:
        raise Invalid("expected_version", "is no version of this customer")
    if command.expected_version and command.expected_version < customer.profile_version:
        raise Rejection("ProfileChangedMeanwhile")
    yield ProfileChanged(command.customer_id, command.name)


def set_do_not_call(state: CrmState, command: SetDoNotCall, context: Context) -> Iterator[Event]:
    """Let nobody call the customer, or lift that; saying so again changes nothing. Raises: NotFound."""
    if state.living(context.tenant, command.customer_id).do_not_call is not command.do_not_call:
        yield DoNotCallSet(command.customer_id, command.do_not_call)


def erase(state: CrmState, command: EraseCustomer, context: Context) -> Iterator[Event]:
    """Forget the customer; once is enough. Raises: NotFound."""
    customer = state.customer(context.tenant, command.customer_id)
    if not customer.is_erased:
        tokens = tuple(identity.address_token for identity in customer.identities)
        yield CustomerErased(command.customer_id, tokens)


def apply_changed(state: CrmState, event: ProfileChanged, context: Context) -> None:
    """Remember when the profile changed."""
    customer = state.grown(context.tenant, event.customer_id)
    state.customers.put(event.customer_id, replace(customer, profile_version=customer.version))


def apply_do_not_call_set(state: CrmState, event: DoNotCallSet, context: Context) -> None:
    """Remember it."""
    customer = state.grown(context.tenant, event.customer_id)
    state.customers.put(event.customer_id, replace(customer, do_not_call=event.do_not_call))


def apply_erased(state: CrmState, event: CustomerErased, context: Context) -> None:
    """Identities are gone; the keys follow (application/custody.py)."""
    erasure = Erasure(context.tenant, event.customer_id, event.address_tokens, context.now)
    state.erase(erasure, state.grown(context.tenant, event.customer_id))
