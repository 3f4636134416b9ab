"""pytest plugin: one real Kafka and one real store for a whole test session, and names nobody else uses.

Owns: start and end of both, lazily, so that a run of unit tests starts neither. Must not: create topics or data.
"""

import uuid
from collections.abc import Callable, Iterator

import pytest
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.store import MongoStore

NameFactory = Callable[..., str]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """One broker. A test that stops or pauses it must bring it back (`restart`, `resume`)."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


@pytest.fixture(scope="session")
def bootstrap_servers(kafka: KafkaNode) -> str:
    """Where Kafka clients connect: host:port."""
    return kafka.bootstrap


@pytest.fixture(scope="session")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoStore]:
    """One Mongo-compatible store. A test that stops it must `restart` it."""
    store = MongoStore.start(tmp_path_factory.mktemp("store"))
    yield store
    store.kill()


@pytest.fixture(scope="session")
def mongo_url(mongo: MongoStore) -> str:
    """Where store clients connect, without a database."""
    return mongo.url


@pytest.fixture(scope="session")
def unique_name() -> NameFactory:
    """Factory of names: `unique_name("prefix")` → `prefix-1f0c…`, never twice."""
    return lambda prefix="test": f"{prefix}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def unique_topic(unique_name: NameFactory) -> NameFactory:
    """Factory of topic names: `unique_topic("acd")` → `acd-….events.v1`."""
    return lambda area="test": f"{unique_name(area)}.events.v1"


@pytest.fixture(scope="session")
def unique_tenant(unique_name: NameFactory) -> NameFactory:
    """Factory of tenant ids: `unique_tenant()` → `tn_…`."""
    return lambda: unique_name("tn").replace("-", "_")


@pytest.fixture
def mongo_database(unique_name: NameFactory) -> str:
    """Name of a database of this test alone."""
    return unique_name("db").replace("-", "_")
