"""Every service with a ledger can have its snapshots made: it is found by name, its topic is there (ledger rule 16)."""

import pytest
from trunkline.topics import TOPICS
from trunkline_ledger.core.contents import Contents
from trunkline_ledger.kafka.snapshots import snapshot_topic
from trunkline_ledger.snapshot_maker import service_at
from trunkline_operator.ledgers import LEDGERS

PATHS = {
    "acd.events.v1": "trunkline_acd.bootstrap:ledger_service",
    "contact.events.v1": "trunkline_channels.bootstrap:SERVICE",
    "customer.events.v1": "trunkline_crm.bootstrap:SERVICE",
    "directory.events.v1": "trunkline_console.bootstrap:ledger_service",
    "ivr.events.v1": "trunkline_ivr.bootstrap:SERVICE",
    "ticket.events.v1": "trunkline_ticketing.bootstrap:SERVICE",
}


def test_every_ledger_is_here() -> None:
    assert set(PATHS) == {topic for topic in TOPICS if topic.endswith(".events.v1")}


def test_no_ledger_is_left_out_of_backups_and_of_what_the_operators_tools_check() -> None:
    assert set(LEDGERS) == set(PATHS)


@pytest.mark.parametrize("topic", PATHS)
def test_the_path_of_a_service_leads_to_it_and_its_state_holds_nothing_that_a_snapshot_forgets(topic: str) -> None:
    service = service_at(PATHS[topic])
    assert (service.topic, service.import_path) == (topic, PATHS[topic])
    assert list(Contents(service.new_state()).tables())


@pytest.mark.parametrize("topic", PATHS)
def test_a_ledger_has_a_compacted_private_topic_of_its_size_beside_it(topic: str) -> None:
    ledger, snapshots = TOPICS[topic], TOPICS[snapshot_topic(topic)]
    assert (snapshots.cleanup, snapshots.public, snapshots.retention_ms) == ("compact", False, -1)
    assert (snapshots.owner, snapshots.partitions) == (ledger.owner, ledger.partitions)
