import asyncio
import gc
import importlib
import io
import json
import logging
from pathlib import Path
from typing import assert_never

import pytest
import trunkline
from trunkline.options.v1 import options_pb2
from trunkline_core.errors import Invalid
from trunkline_core.sealed import Sealed
from trunkline_platform.logs import SENSITIVE_KEYS, JsonFormatter, RateLimit, bound, configure, shown


@pytest.fixture
def logged():
    stream, logger = io.StringIO(), logging.getLogger("test.logs")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("acd"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_a_line_is_one_object_with_a_constant_message_and_keys(logged):
    log, lines = logged
    with bound("tn_1", "ct_1"):
        log.info("offer expired", extra={"contact_id": "ct_1", "offer_no": 3})
    log.info("idle")
    first, second = lines()
    assert (
        first.items()
        >= {
            "level": "info",
            "logger": "test.logs",
            "message": "offer expired",
            "service": "acd",
            "tenant": "tn_1",
            "correlation_id": "ct_1",
            "contact_id": "ct_1",
            "offer_no": 3,
        }.items()
    )
    assert "tenant" not in second


def test_nothing_personal_is_written(logged):
    log, lines = logged
    log.info("came in", extra={"address": "13800000000", "Text": "help", "seal": Sealed("k", b"n", b"c"), "raw": b"x"})
    (line,) = lines()
    assert line["address"] == line["Text"] == "[redacted]"
    assert (line["seal"], line["raw"]) == ("<Sealed>", "<bytes>")


def test_a_long_list_is_cut_and_a_set_is_sorted():
    assert shown("ids", {"b", "a"}) == ["a", "b"]
    assert len(shown("ids", ["x"] * 100)) == 20


def test_every_field_that_the_protos_mark_is_redacted():
    root = Path(trunkline.__path__[0])
    names = [".".join(("trunkline", *path.relative_to(root).with_suffix("").parts)) for path in root.rglob("*_pb2.py")]
    fields = [
        field
        for name in names
        for message in importlib.import_module(name).DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
    ]
    marked = {field.name for field in fields if field.GetOptions().Extensions[options_pb2.sensitivity]}
    assert marked
    assert marked <= SENSITIVE_KEYS


def test_an_error_shows_its_frames_and_only_texts_that_repeat_no_value(logged):
    log, lines = logged
    try:
        try:
            int("call 13800000000")
        except ValueError as error:
            raise Invalid("address", "is no number") from error
    except Invalid:
        log.exception("refused")
    told = "\n".join(lines()[0]["error"])
    assert "Invalid: address: is no number" in told
    assert "caused by\nValueError\n" in told
    assert "13800000000" not in told


async def test_the_context_belongs_to_the_task(logged):
    log, lines = logged

    async def work(tenant):
        with bound(tenant):
            await asyncio.sleep(0)
            log.info("worked", extra={"expected": tenant})

    await asyncio.gather(work("tn_1"), work("tn_2"))
    assert [line["tenant"] for line in lines()] == [line["expected"] for line in lines()]


def test_a_chatty_library_is_limited_and_counted():
    limit = RateLimit(("aiokafka",), lines=2, span_s=60)

    def passes(name, text):
        return limit.filter(logging.LogRecord(name, logging.ERROR, "", 0, text, (), None))

    assert [passes("aiokafka.client", "lost %s") for _ in range(4)] == [True, True, False, False]
    assert passes("aiokafka.client", "another")
    assert all(passes("trunkline_acd", "ours") for _ in range(10))


def test_a_value_that_no_case_expects_is_not_written(logged):
    log, lines = logged
    try:
        assert_never("call 13800000000")  # type: ignore[arg-type]
    except AssertionError:
        log.exception("refused")
    assert lines()[0]["error"][0] == "AssertionError"
    assert "13800000000" not in json.dumps(lines())


def test_a_task_that_nobody_asked_after_does_not_tell_its_error(logged):
    _, lines = logged
    asyncio_log, here = logging.getLogger("asyncio"), logging.getLogger("test.logs").handlers[0]

    async def fail():
        raise ValueError("call 13800000000")

    async def forget():
        task = asyncio.ensure_future(fail())
        await asyncio.wait({task})

    asyncio_log.addHandler(here)
    try:
        asyncio.run(forget())
        gc.collect()
    finally:
        asyncio_log.removeHandler(here)
    (line,) = lines()
    assert line["message"] == "Task exception was never retrieved"
    assert "13800000000" not in json.dumps(line)


def test_a_socket_s_address_and_query_are_not_written():
    stream = io.StringIO()
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure("console", stream=stream)
        logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "192.0.2.7", "/ws?call=13800000000")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert stream.getvalue() == ""
