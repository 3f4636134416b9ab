"""What happened to customers. Fields: protos/trunkline/customer/v1/customer_events.proto."""

from dataclasses import dataclass

from trunkline_core.sealed import Sealed

from trunkline_crm.domain.words import Channel


@dataclass(frozen=True, slots=True)
class CustomerCreated:
    customer_id: str


@dataclass(frozen=True, slots=True)
class IdentityAdded:
    customer_id: str
    channel: Channel
    address_token: str
    address: Sealed | None


@dataclass(frozen=True, slots=True)
class ContactResolved:
    customer_id: str
    contact_id: str
    step_no: int
    do_not_call: bool = False
    account_owner_id: str = ""
    last_agent_id: str = ""


@dataclass(frozen=True, slots=True)
class DoNotCallSet:
    customer_id: str
    do_not_call: bool


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    customer_id: str
    name: Sealed | None


@dataclass(frozen=True, slots=True)
class CustomerErased:
    customer_id: str
    address_tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountOwnerSet:
    customer_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class CustomerServed:
    customer_id: str
    contact_id: str
    agent_id: str


Event = (
    CustomerCreated
    | IdentityAdded
    | ContactResolved
    | ProfileChanged
    | DoNotCallSet
    | CustomerErased
    | AccountOwnerSet
    | CustomerServed
)
