from trunkline_embedded.kafka import live_brokers
from trunkline_embedded.ports import accepts


def test_the_kafka_of_the_session_answers_where_bootstrap_servers_says(kafka, bootstrap_servers):
    assert bootstrap_servers == kafka.bootstrap
    assert live_brokers(kafka.port) == 1


def test_the_store_of_the_session_takes_connections(mongo, mongo_url):
    assert mongo_url == mongo.url
    assert accepts(mongo.port)


def test_names_are_never_used_twice(unique_topic, unique_tenant):
    assert unique_topic("acd") != unique_topic("acd")
    assert unique_topic("acd").startswith("acd-")
    assert unique_tenant() != unique_tenant()
