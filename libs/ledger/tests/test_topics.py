"""Topics of the catalogue on a real broker: as many partitions as it says (ledger rule 22)."""

from aiokafka.admin import AIOKafkaAdminClient
from trunkline.topics import Topic
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.topics import ensure_topics

TOPICS = 12


async def test_topics_that_were_just_created_are_known_with_all_their_partitions(kafka: KafkaNode, unique_topic):
    wanted = [Topic(unique_topic(), "test", "id", 4, "compact", -1, public=False) for _ in range(TOPICS)]
    await ensure_topics(kafka.bootstrap, wanted)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        found = await admin.describe_topics([topic.name for topic in wanted])
    finally:
        await admin.close()
    assert [len(topic["partitions"]) for topic in found] == [4] * TOPICS
