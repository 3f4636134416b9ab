"""The topic catalogue, generated from protos/topics, from which topics are created."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        name: with its version.
        owner: the only service that writes it.
        key: what the record key is.
        partitions: when it is created; it never changes, because keys would move.
        cleanup: `delete` or `compact`.
        retention_ms: -1 keeps for ever.
        public: whether systems outside Trunkline may subscribe.
    """

    name: str
    owner: str
    key: str
    partitions: int
    cleanup: str
    retention_ms: int
    public: bool


TOPICS: dict[str, Topic] = {
    "acd.events.v1": Topic(
        name="acd.events.v1",
        owner="acd",
        key="routing_domain_id",
        partitions=4,
        cleanup="delete",
        retention_ms=-1,
        public=False,
    ),
    "acd.snapshots.v1": Topic(
        name="acd.snapshots.v1",
        owner="acd",
        key="partition of the ledger, slot, chunk number or `manifest`",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=False,
    ),
    "analytics.dlq.v1": Topic(
        name="analytics.dlq.v1",
        owner="analytics",
        key="source key",
        partitions=4,
        cleanup="delete",
        retention_ms=1209600000,
        public=False,
    ),
    "contact.events.v1": Topic(
        name="contact.events.v1",
        owner="channels",
        key="partition token inside the contact id",
        partitions=4,
        cleanup="delete",
        retention_ms=-1,
        public=False,
    ),
    "contact.journal.v1": Topic(
        name="contact.journal.v1",
        owner="analytics",
        key="contact_id",
        partitions=4,
        cleanup="delete",
        retention_ms=2592000000,
        public=True,
    ),
    "contact.snapshots.v1": Topic(
        name="contact.snapshots.v1",
        owner="channels",
        key="partition of the ledger, slot, chunk number or `manifest`",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=False,
    ),
    "crm.dlq.v1": Topic(
        name="crm.dlq.v1",
        owner="crm",
        key="source key",
        partitions=4,
        cleanup="delete",
        retention_ms=1209600000,
        public=False,
    ),
    "customer.events.v1": Topic(
        name="customer.events.v1",
        owner="crm",
        key="tenant_id",
        partitions=4,
        cleanup="delete",
        retention_ms=-1,
        public=False,
    ),
    "customer.journal.v1": Topic(
        name="customer.journal.v1",
        owner="analytics",
        key="customer_id",
        partitions=4,
        cleanup="delete",
        retention_ms=2592000000,
        public=True,
    ),
    "customer.snapshots.v1": Topic(
        name="customer.snapshots.v1",
        owner="crm",
        key="partition of the ledger, slot, chunk number or `manifest`",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=False,
    ),
    "directory.events.v1": Topic(
        name="directory.events.v1",
        owner="console",
        key="tenant_id",
        partitions=4,
        cleanup="delete",
        retention_ms=-1,
        public=False,
    ),
    "directory.snapshots.v1": Topic(
        name="directory.snapshots.v1",
        owner="console",
        key="partition of the ledger, slot, chunk number or `manifest`",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=False,
    ),
    "ivr.events.v1": Topic(
        name="ivr.events.v1",
        owner="ivr",
        key="contact_id",
        partitions=4,
        cleanup="delete",
        retention_ms=-1,
        public=False,
    ),
    "ivr.snapshots.v1": Topic(
        name="ivr.snapshots.v1",
        owner="ivr",
        key="partition of the ledger, slot, chunk number or `manifest`",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=False,
    ),
    "live.agents.v1": Topic(
        name="live.agents.v1",
        owner="analytics",
        key="agent_id",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=True,
    ),
    "live.queues.v1": Topic(
        name="live.queues.v1",
        owner="analytics",
        key="queue_id",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=True,
    ),
    "ticket.events.v1": Topic(
        name="ticket.events.v1",
        owner="ticketing",
        key="tenant_id",
        partitions=4,
        cleanup="delete",
        retention_ms=-1,
        public=False,
    ),
    "ticket.journal.v1": Topic(
        name="ticket.journal.v1",
        owner="analytics",
        key="ticket_id",
        partitions=4,
        cleanup="delete",
        retention_ms=2592000000,
        public=True,
    ),
    "ticket.snapshots.v1": Topic(
        name="ticket.snapshots.v1",
        owner="ticketing",
        key="partition of the ledger, slot, chunk number or `manifest`",
        partitions=4,
        cleanup="compact",
        retention_ms=-1,
        public=False,
    ),
    "ticketing.dlq.v1": Topic(
        name="ticketing.dlq.v1",
        owner="ticketing",
        key="source key",
        partitions=4,
        cleanup="delete",
        retention_ms=1209600000,
        public=False,
    ),
}
