import os
import socket

import psutil
import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.ports import free_port, require_free
from trunkline_embedded.store import MongoStore


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_accepted():
    require_free(free_port(), "Kafka")


def test_no_port_is_given_twice_before_its_first_owner_listens():
    given = [free_port() for _ in range(400)]
    assert len(set(given)) == len(given)


def test_two_processes_that_ask_at_the_same_time_are_given_different_ports(monkeypatch):
    given = {free_port() for _ in range(200)}
    next_process = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: next_process)
    assert not given & {free_port() for _ in range(200)}


def test_a_taken_port_is_named_in_one_sentence_with_its_user_and_the_way_out(taken):
    with pytest.raises(Misconfigured) as error:
        require_free(taken, "Kafka")
    user = f"{psutil.Process().name()} (process {os.getpid()})"
    assert str(error.value) == (
        f"Port {taken} is taken by {user}, Kafka needs it: stop that or set TRUNKLINE_KAFKA_PORT."
    )


def test_a_port_taken_by_somebody_this_user_may_not_see_is_still_one_sentence(taken, monkeypatch):
    monkeypatch.setattr(psutil, "net_connections", lambda kind: [])
    with pytest.raises(Misconfigured) as error:
        require_free(taken, "Kafka")
    assert str(error.value) == (
        f"Port {taken} is taken, Kafka needs it: stop what uses it or set TRUNKLINE_KAFKA_PORT."
    )


@pytest.mark.parametrize("port", [65536, 1_000_000, -1])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(Misconfigured, match="is not a port number"):
        require_free(port, "Kafka")


@pytest.mark.parametrize(
    "server, variable", [(KafkaNode, "TRUNKLINE_KAFKA_PORT"), (MongoStore, "TRUNKLINE_MONGO_PORT")]
)
def test_a_server_refuses_a_taken_port_before_it_touches_its_folder(server, variable, taken, tmp_path):
    with pytest.raises(Misconfigured, match=variable):
        server.start(tmp_path / "data", taken)
    assert not (tmp_path / "data").exists()
