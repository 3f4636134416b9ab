"""Customers as a decider: sends each command and each event to the module of its noun."""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core.decider import Context

from trunkline_crm.domain import agents, identities, profiles
from trunkline_crm.domain.commands import (
    ChangeProfile,
    Command,
    EraseCustomer,
    RecordService,
    ResolveCustomer,
    SetAccountOwner,
    SetDoNotCall,
)
from trunkline_crm.domain.events import (
    AccountOwnerSet,
    ContactResolved,
    CustomerCreated,
    CustomerErased,
    CustomerServed,
    DoNotCallSet,
    Event,
    IdentityAdded,
    ProfileChanged,
)
from trunkline_crm.domain.state import CrmState


class CrmDecider:
    """The rules of customers."""

    def decide(self, state: CrmState, command: Command, context: Context) -> Iterator[Event]:
        """Yield what the command causes. Raises: TrunklineError."""
        match command:
            case ResolveCustomer():
                return identities.resolve(state, command, context)
            case ChangeProfile():
                return profiles.change(state, command, context)
            case SetDoNotCall():
                return profiles.set_do_not_call(state, command, context)
            case EraseCustomer():
                return profiles.erase(state, command, context)
            case SetAccountOwner():
                return agents.set_owner(state, command, context)
            case RecordService():
                return agents.record_service(state, command, context)
            case _:
                assert_never(command)

    def evolve(self, state: CrmState, event: Event, context: Context) -> None:
        """Apply one event."""
        match event:
            case CustomerCreated():
                identities.apply_created(state, event, context)
            case IdentityAdded():
                identities.apply_identity_added(state, event, context)
            case ContactResolved():
                identities.apply_resolved(state, event, context)
            case ProfileChanged():
                profiles.apply_changed(state, event, context)
            case DoNotCallSet():
                profiles.apply_do_not_call_set(state, event, context)
            case CustomerErased():
                profiles.apply_erased(state, event, context)
            case AccountOwnerSet():
                agents.apply_owner(state, event, context)
            case CustomerServed():
                agents.apply_served(state, event, context)
            case _:
                assert_never(event)
