import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest
from trunkline_ledger.kafka.bounds import end_tasks, start_within


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again():
    swallowed = asyncio.Event()

    async def deaf_once():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    await end_tasks([task], again_after_s=0.01)
    assert task.cancelled() and swallowed.is_set()


async def test_no_tasks_are_ended_at_once():
    await end_tasks([])


class SlowToSay:
    """Connections whose brokers take their time to say who they are."""

    def __init__(self, monkeypatch):
        self.used, self.asked, send = set(), asyncio.Event(), AIOKafkaConnection.send

        async def slow(connection, request, *more, **named):
            self.used.add(connection)
            if isinstance(request, MetadataRequest):
                self.asked.set()
                await asyncio.sleep(0.2)
            return await send(connection, request, *more, **named)

        monkeypatch.setattr(AIOKafkaConnection, "send", slow)


@pytest.mark.parametrize("client", [AIOKafkaConsumer, AIOKafkaProducer])
async def test_a_start_that_is_cancelled_leaves_no_connection_open(bootstrap_servers, monkeypatch, client):
    connections = SlowToSay(monkeypatch)
    started = client(bootstrap_servers=bootstrap_servers)
    task = asyncio.create_task(start_within(started.start, started.stop, 30.0))
    await connections.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert connections.used
    assert not [each for each in connections.used if each.connected()]


async def test_who_is_cancelled_again_while_it_gives_up_a_start_leaves_when_all_is_stopped():
    began, stopped = asyncio.Event(), asyncio.Event()

    async def start():
        began.set()
        await asyncio.Event().wait()

    async def stop():
        await asyncio.sleep(0.1)
        stopped.set()

    task = asyncio.create_task(start_within(start, stop, 30.0))
    await began.wait()
    await end_tasks([task], again_after_s=0.01)
    assert task.cancelled() and stopped.is_set()


async def test_a_start_that_takes_too_long_is_ended_and_what_it_began_is_stopped():
    stopped, ended = asyncio.Event(), asyncio.Event()

    async def start():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def stop():
        stopped.set()

    with pytest.raises(TimeoutError):
        await start_within(start, stop, 0.01)
    assert ended.is_set() and stopped.is_set()
