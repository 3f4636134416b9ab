"""What somebody wants of a customer. Fields: protos/trunkline/customer/v1/customer_commands.proto."""

from dataclasses import dataclass

from trunkline_core.sealed import Sealed

from trunkline_crm.domain.words import Channel


@dataclass(frozen=True, slots=True)
class ResolveCustomer:
    contact_id: str
    step_no: int
    channel: Channel
    address_token: str
    address: Sealed | None
    only_known: bool = False


@dataclass(frozen=True, slots=True)
class SetDoNotCall:
    customer_id: str
    do_not_call: bool


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    customer_id: str
    expected_version: int
    name: Sealed | None


@dataclass(frozen=True, slots=True)
class EraseCustomer:
    customer_id: str


@dataclass(frozen=True, slots=True)
class SetAccountOwner:
    customer_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordService:
    contact_id: str
    agent_id: str


Command = ResolveCustomer | ChangeProfile | SetDoNotCall | EraseCustomer | SetAccountOwner | RecordService
