"""Fails when Faust changes what faust_safety overrides or relies on: read the change, then record the new hash."""

import hashlib
import inspect
from types import SimpleNamespace

import faust
import pytest
from faust.app.base import App
from faust.stores import memory
from faust.tables.base import Collection
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.tables.table import Table
from faust.topics import Topic
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Producer
from faust.transport.drivers.aiokafka import Consumer as AIOKafkaConsumer
from mode.utils.queues import FlowControlEvent
from trunkline_platform.faust_safety import Row, SafeTable, build_app

UPSTREAM = {
    "Recovery.on_recovery_completed": (Recovery.on_recovery_completed, "6ef567acf072e46d"),
    "Recovery._restart_recovery": (Recovery._restart_recovery, "6bd8a8558a2dffe4"),
    "Recovery._seek_offsets": (Recovery._seek_offsets, "19598ca63d94d250"),
    "TableManager.recovery": (TableManager.recovery, "f0bf5de78b4c3d23"),
    "Table.on_key_set": (Table.on_key_set, "a370e35ca55c2c7e"),
    "Collection.send_changelog": (Collection.send_changelog, "3dd3884e1b5fc0e1"),
    "Collection.partition_for_key": (Collection.partition_for_key, "3b2291811b8dd791"),
    "Collection.apply_changelog_batch": (Collection.apply_changelog_batch, "b980a78d3ae9b1e8"),
    "memory.Store.apply_changelog_batch": (memory.Store.apply_changelog_batch, "71863e3cd727aac2"),
    "memory.Store.on_recovery_completed": (memory.Store.on_recovery_completed, "a00bef343e139602"),
    "memory.Store.persisted_offset": (memory.Store.persisted_offset, "fbba5c6544979388"),
    "Producer._settings_extra": (Producer._settings_extra, "a4c7bc41b6382223"),
    "Producer._settings_default": (Producer._settings_default, "9c39987fb719e984"),
    "Consumer._new_consumer_thread": (AIOKafkaConsumer._new_consumer_thread, "0870ec53dea75083"),
    "ConsumerThread._create_worker_consumer": (AIOKafkaConsumerThread._create_worker_consumer, "c2701bfc3e6f6cad"),
    "App._new_transport": (App._new_transport, "42db531312dd776f"),
    "App._new_producer": (App._new_producer, "e7e1814e715d8b30"),
    "App._new_consumer": (App._new_consumer, "bff6ccd646b71ea9"),
    "App._on_partitions_revoked": (App._on_partitions_revoked, "d5c895bbe57dc73a"),
    "App._on_partitions_assigned": (App._on_partitions_assigned, "de932b7927db85b3"),
    "Consumer.perform_seek": (Consumer.perform_seek, "0e8c130ff4b0afd8"),
    "Topic.publish_message": (Topic.publish_message, "4ce1cbc353047a36"),
    "Topic._on_published": (Topic._on_published, "7cfe9ebd65964b0a"),
    "FlowControlEvent.resume": (FlowControlEvent.resume, "4dcdc1253fd0dcb4"),
}


def fingerprint(thing):
    code = thing.fget if isinstance(thing, property) else getattr(thing, "fun", thing)
    return hashlib.sha256(inspect.getsource(code).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", UPSTREAM)
def test_what_is_overridden_or_relied_on_is_what_was_read(name):
    thing, expected = UPSTREAM[name]
    assert fingerprint(thing) == expected, f"{name} changed upstream"


def test_the_version_that_was_tried_is_installed():
    assert faust.__version__ == "0.15.3"


def test_an_app_uses_the_overrides(tmp_path):
    app = build_app("test", "127.0.0.1:1,127.0.0.1:2", str(tmp_path), 2)
    assert type(app.tables).__name__ == "SafeTableManager"
    assert type(app.tables.recovery).__name__ == "SafeRecovery"
    assert type(app.transport).__name__ == "SafeTransport"
    assert type(app.Table("rows")).__name__ == "SafeTable"
    producer = app.transport.create_producer()
    assert producer._settings_extra() == {"acks": "all", "enable_idempotence": True}
    assert [str(url) for url in app.conf.broker] == ["kafka://127.0.0.1:1", "kafka://127.0.0.1:2"]


def test_a_row_comes_back_as_it_was_written():
    row = Row(2**40, 3, b"\x00value")
    assert Row.decode(row.encode()) == row


def test_a_row_of_a_later_epoch_is_newer_than_any_of_an_earlier_one():
    assert Row(5, 2).is_newer_than(Row(9, 1))
    assert Row(9, 1).is_newer_than(Row(8, 1))
    assert not Row(9, 1).is_newer_than(Row(9, 1))
    assert Row(0, 0).is_newer_than(None)


def changelog_event(key, row):
    value = row.encode() if row else None
    return SimpleNamespace(key=key, value=value, message=SimpleNamespace(value=value, partition=0))


def test_recovery_keeps_the_newest_row_whatever_order_the_changelog_has(tmp_path):
    table: SafeTable = build_app("test", "127.0.0.1:1", str(tmp_path), 2).Table("rows")
    new, zombie = Row(9, 2, b"new"), Row(8, 1, b"zombie")
    table.apply_changelog_batch([changelog_event(b"a", new), changelog_event(b"a", zombie)])
    table.apply_changelog_batch([changelog_event(b"a", zombie), changelog_event(b"b", zombie)])
    assert table.row(b"a") == new
    assert table.row(b"b") == zombie
    table.apply_changelog_batch([changelog_event(b"a", None), changelog_event(b"a", zombie)])
    assert table.row(b"a") == zombie
