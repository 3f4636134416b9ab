from dataclasses import dataclass
from types import SimpleNamespace

from trunkline_platform.metrics import export_ledger, exposition


@dataclass
class Stats:
    appended: int = 3
    void_records: int = 0


def ledger(name):
    return SimpleNamespace(service=SimpleNamespace(name=name), owned={0, 1}, stats=Stats(), is_caught_up=lambda: True)


def lines():
    return exposition().decode().splitlines()


def test_the_counters_of_every_ledger_of_the_process_are_exported_until_it_ends():
    remove_first, remove_second = export_ledger(ledger("first")), export_ledger(ledger("second"))
    for name in ("first", "second"):
        assert f'trunkline_ledger_appended_total{{ledger="{name}"}} 3.0' in lines()
        assert f'trunkline_ledger_owned_partitions{{ledger="{name}"}} 2.0' in lines()
        assert f'trunkline_ledger_caught_up{{ledger="{name}"}} 1.0' in lines()
    remove_first()
    assert 'trunkline_ledger_appended_total{ledger="first"} 3.0' not in lines()
    assert 'trunkline_ledger_appended_total{ledger="second"} 3.0' in lines()
    remove_second()


def test_a_ledger_that_was_started_again_is_not_removed_by_the_end_of_the_old_one():
    remove_old, remove_new = export_ledger(ledger("acd")), export_ledger(ledger("acd"))
    remove_old()
    assert 'trunkline_ledger_appended_total{ledger="acd"} 3.0' in lines()
    remove_new()


def test_every_name_of_ours_has_the_prefix():
    names = [line.split()[2] for line in lines() if line.startswith("# TYPE")]
    assert names
    assert all(name.startswith(("trunkline_", "process_")) for name in names)
