"""What a newcomer gets from `make run` and `make reset`, with real processes."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from make_runs import Run, ask, own_environment, processes_of
from trunkline_embedded.web import build_web
from trunkline_launcher.commands import PASSWORD
from trunkline_launcher.layout import SERVICES, WEB, Layout
from trunkline_platform.commands import new_command_id
from visitors import Visitor
from waiting import wait_until

pytestmark = pytest.mark.timeout(600)
OWN_PAGE = {"x-trunkline": "1"}
ADDRESSES = re.compile(r"^  \S.*?(http://\S+)$", re.MULTILINE)


def state_after_asking_for_a_person(layout: Layout) -> str:
    """Come in by the front door, go through the menu, ask for a person, leave."""
    visitor = Visitor.arrive(layout, "ep_demo_chat")
    if visitor is None:
        return "UNKNOWN ENTRY POINT"
    with visitor:
        visitor.ask_for_a_person("Where is my honey?")
        state = visitor.contact["state"]
        visitor.leave()
    return state


@contextmanager
def log_in(layout: Layout, login: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=layout.http_url("console"), headers=OWN_PAGE, timeout=30) as client:
        client.post("/api/login", json={"login": login, "password": PASSWORD}).raise_for_status()
        yield client


def write_ticket(layout: Layout, subject: str) -> str:
    with log_in(layout, "li") as client:
        answer = client.post("/api/tickets", json={"subject": subject, "command_id": new_command_id()})
        return str(answer.raise_for_status().json()["ticket_id"])


def has_ticket(layout: Layout, ticket_id: str, subject: str) -> bool:
    with log_in(layout, "li") as client:
        answer = client.get(f"/api/tickets/{ticket_id}")
        return answer.status_code == 200 and answer.json()["subject"] == subject


def is_usable(layout: Layout) -> bool:
    """A customer gets into the queue, an agent logs in and reads tickets."""
    try:
        with log_in(layout, "li") as client:
            client.get("/api/tickets").raise_for_status()
        return state_after_asking_for_a_person(layout) == "QUEUED"
    except (httpx.HTTPError, OSError, TimeoutError):
        return False


class Shared(Run):
    """The run that most tests look at; `first_state` is where a customer got in the moment of READY."""

    first_state = ""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    build_web(WEB, report=lambda line: None)
    folder = tmp_path_factory.mktemp("make-run")
    run = Shared(own_environment(folder / "data"), folder)
    try:
        run.wait_until_shown("READY after")
        run.first_state = state_after_asking_for_a_person(run.layout)
        print(re.findall(r"READY after .*", run.screen)[0], "(first start)")
        yield run
    finally:
        run.discard()


def test_a_contact_is_taken_in_the_moment_of_ready(running):
    assert running.first_state == "QUEUED"


def test_every_address_that_is_printed_answers(running):
    addresses = ADDRESSES.findall(running.screen)
    assert [address.rpartition("/")[0].count("/") for address in addresses] == [
        3,
        2,
        2,
        2,
    ]  # shop/, desk, wall, tickets
    for address in addresses:
        assert httpx.get(address, timeout=30).status_code == 200


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_exports_figures_of_its_own(running, service):
    figures = httpx.get(f"{running.layout.http_url(service)}/metrics", timeout=30).text
    assert re.search(rf"^trunkline_{service}_", figures, re.MULTILINE)


@pytest.mark.parametrize("role, login", [("agent", "li"), ("supervisor", "zhao"), ("admin", "admin")])
def test_one_login_of_each_role_is_printed_and_works(running, role, login):
    assert re.search(rf"{role} +{login} +{PASSWORD}", running.screen)
    with log_in(running.layout, login) as client:
        assert client.get("/api/me").json()["roles"] == [role.upper()]


@pytest.mark.parametrize("service", ["acd", "channels", "console"])
def test_a_service_that_dies_is_started_again(running, service):
    victim = running.child(f"-m trunkline_{service}")
    victim.kill()
    running.wait_until_shown(f"{service} ended with code -9, starting it again")
    wait_until(lambda: is_usable(running.layout), "the centre can be used", 120)
    assert running.child(f"-m trunkline_{service}").pid != victim.pid


def test_kafka_that_dies_is_started_again_and_the_centre_can_be_used(running):
    running.child("kafka.Kafka").kill()
    running.wait_until_shown("Kafka ended with code -9, starting it again")
    wait_until(lambda: is_usable(running.layout), "the centre can be used", 120)


def test_a_store_that_dies_is_started_again_and_tickets_are_read_again(running):
    ticket_id = write_ticket(running.layout, "before the store died")
    wait_until(lambda: has_ticket(running.layout, ticket_id, "before the store died"), "the ticket", 60)
    running.child("EmbeddedMongo").kill()
    running.wait_until_shown("the store ended with code -9, starting it again")

    def is_read() -> bool:
        return has_ticket(running.layout, ticket_id, "before the store died")

    wait_until(is_read, "the ticket", 120)


def test_reset_is_refused_while_the_centre_runs(running):
    done = ask("reset", running.environment)
    data = running.layout.data
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"A centre runs already as process {running.process.pid} on the data of {data}: stop it with Ctrl-C first.\n"
    )
    assert (data / "kafka" / "records").is_dir()


def test_a_second_run_on_the_same_data_is_refused(running):
    done = ask("run", running.environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"A centre runs already as process {running.process.pid} on the data of {running.layout.data}: "
        "use that one, or stop it with Ctrl-C first.\n"
    )


def test_a_second_run_on_other_data_names_the_port_and_who_has_it(running, tmp_path):
    done = ask("run", running.environment | {"TRUNKLINE_DATA": str(tmp_path)})
    port = running.layout.ports["KAFKA"]
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        rf"Port {port} is taken by java \(process \d+\), Kafka needs it: stop that or set TRUNKLINE_KAFKA_PORT\.\n",
        done.stderr,
    )


def test_ctrl_c_stops_everything_and_the_data_survive(running, begin):
    layout = running.layout
    ticket_id = write_ticket(layout, "survives")
    began = time.monotonic()
    assert running.end(signal.SIGINT) == 0
    print(f"stopped after {time.monotonic() - began:.1f} s")
    assert processes_of(layout.data) == []
    for service in SERVICES:  # each ended in order, none was killed
        last_line = (layout.logs / f"{service}.log").read_text().splitlines()[-1]
        assert '"message": "stopped"' in last_line
    assert "the data stay in" in running.screen
    assert "Traceback" not in running.screen

    again = begin(running.environment)
    again.wait_until_shown("READY after")
    print(re.findall(r"READY after .*", again.screen)[0], "(second start)")
    wait_until(lambda: has_ticket(layout, ticket_id, "survives"), "the ticket", 60)
    assert state_after_asking_for_a_person(layout) == "QUEUED"
    assert again.end(signal.SIGTERM) == 0
    assert processes_of(layout.data) == []

    assert ask("reset", running.environment).stdout == f"trunkline: forgotten: {layout.data}\n"
    assert os.listdir(layout.data) == ["running"]


def test_nothing_outlives_a_killed_run_and_its_leftovers_refuse_nobody(
    begin: Callable[[dict[str, str]], Run], tmp_path
):
    environment = own_environment(tmp_path / "data")
    run = begin(environment)
    run.wait_until_shown("Kafka is up")
    assert len(processes_of(run.layout.data)) > 1
    run.end(signal.SIGKILL)
    wait_until(lambda: processes_of(run.layout.data) == [], "the end of the children", 30)
    assert (run.layout.data / "running").read_text() == str(run.process.pid)
    done = ask("reset", environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(run.layout.data) == ["running"]


def test_ctrl_c_while_starting_leaves_nothing_behind(begin, tmp_path):
    run = begin(own_environment(tmp_path / "data"))
    run.wait_until_shown("Kafka is up")
    assert run.end(signal.SIGINT) == 0
    assert processes_of(run.layout.data) == []
    assert "Traceback" not in run.screen
