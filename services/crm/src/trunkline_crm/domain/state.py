"""The state of one partition: of each customer only what decides.

Owns: rows, and that an identity belongs to one customer of its tenant. Must not: decide anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Never

from trunkline_core.errors import NotFound
from trunkline_core.fading import FadingTable
from trunkline_core.replacing import replace
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers

from trunkline_crm.domain.words import Channel

ANSWER_LIFE = timedelta(hours=24)
MAX_ANSWERS = 200_000


@dataclass(frozen=True, slots=True)
class Identity:
    """An address, without the address: its token is enough to find it again."""

    channel: Channel
    address_token: str


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer.

    Attributes:
        version: events of the customer so far: its stream version.
        profile_version: the version at which the profile changed last.
        account_owner_id: whose account it is; empty for nobody's.
        last_agent_id: who had a contact of the customer connected last, at `served_time`; empty for nobody.
        do_not_call: whether nobody may call this customer (routing rule 13).
    """

    tenant: str
    version: int = 0
    profile_version: int = 0
    identities: tuple[Identity, ...] = ()
    is_erased: bool = False
    account_owner_id: str = ""
    last_agent_id: str = ""
    served_time: datetime | None = None
    do_not_call: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a contact was told: the customer, at this step."""

    tenant: str
    contact_id: str
    customer_id: str
    step_no: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose keys are to be destroyed: the customer's, and those of all contacts from its addresses until this time.

    Until then every contact from there was this customer's, or one's who was erased before: an address belongs to one
    living customer and becomes free by an erasure alone. Later ones are somebody new's.
    """

    tenant: str
    customer_id: str
    address_tokens: tuple[str, ...]
    erased_time: datetime


class CrmState:
    """Everything of one partition, under one journal."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Never] = Timers(self.journal)  # customers have none; the ledger asks
        self.customers: Table[str, Customer] = Table(self.journal)
        self.answers: FadingTable[str, Answer] = FadingTable(self.journal, ANSWER_LIFE, MAX_ANSWERS)
        self._owners: Table[tuple[str, Identity], str] = Table(self.journal)
        self._erasures: Table[str, Erasure] = Table(self.journal)

    def customer(self, tenant: str, customer_id: str) -> Customer:
        """Return the tenant's customer, erased or not. Raises: NotFound."""
        customer = self.customers.get(customer_id)
        if customer is None or customer.tenant != tenant:
            raise NotFound("customer", customer_id)
        return customer

    def living(self, tenant: str, customer_id: str) -> Customer:
        """Return the tenant's customer. Raises: NotFound, also for an erased one."""
        customer = self.customer(tenant, customer_id)
        if customer.is_erased:
            raise NotFound("customer", customer_id)
        return customer

    def owner_of(self, tenant: str, identity: Identity) -> str | None:
        """Return the customer an address belongs to, or None."""
        return self._owners.get((tenant, identity))

    def erasures(self) -> Iterator[Erasure]:
        """Iterate over all erasures there were."""
        return self._erasures.values()

    def grown(self, tenant: str, customer_id: str) -> Customer:
        """Return the customer one version further; a first event makes it."""
        customer = self.customers.get(customer_id) or Customer(tenant)
        return replace(customer, version=customer.version + 1)

    def add_identity(self, customer_id: str, customer: Customer, identity: Identity) -> None:
        """Insert or replace the customer with one identity more."""
        self.customers.put(customer_id, replace(customer, identities=(*customer.identities, identity)))
        self._owners.put((customer.tenant, identity), customer_id)

    def erase(self, erasure: Erasure, customer: Customer) -> None:
        """Leave of the customer nothing but that it was erased; its addresses may belong to somebody new."""
        customer_id = erasure.customer_id
        for identity in customer.identities:
            if self._owners.get((customer.tenant, identity)) == customer_id:
                self._owners.delete((customer.tenant, identity))
        self.customers.put(customer_id, Customer(customer.tenant, customer.version, is_erased=True))
        self._erasures.put(customer_id, erasure)
