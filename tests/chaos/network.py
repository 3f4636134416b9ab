"""The network between one replica and the brokers: TCP proxies that can be cut and can lose or forge answers.

Owns: one proxy a broker. Clients learn from metadata where brokers are; in those answers the proxies put themselves, so
that no connection goes past them. Must not: change a record or a request.

A cut loses no bytes, as TCP does not: what was under way arrives when the cut is mended, also what a client sent before
it gave up. So an append that its owner reported as unknown may land under a later epoch.
"""

import asyncio
import struct
from collections.abc import Iterable, Mapping

from trunkline_embedded.ports import LOOPBACK, free_port

PRODUCE = 0
NAMING_BROKERS = frozenset({3, 10, 60})
"""Answers that say where brokers are: Metadata, FindCoordinator, DescribeCluster (https://kafka.apache.org/protocol)."""
UNKNOWN_SERVER_ERROR = -1
CONNECT_S = 5.0


class Network:
    """All connections of one replica to the brokers. `brokers`: their ports on the loopback address."""

    def __init__(self, brokers: Iterable[int]) -> None:
        self._ports = {port: free_port() for port in brokers}
        self._passable = asyncio.Event()
        self._passable.set()
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self.answers_to_lose = 0
        self.answers_to_forge = 0

    @property
    def bootstrap(self) -> str:
        """Where the replica finds Kafka."""
        return ",".join(f"{LOOPBACK}:{port}" for port in self._ports.values())

    async def open(self) -> None:
        """Listen."""
        for broker, port in self._ports.items():
            connected = _Connected(self, broker)
            self._servers.append(await asyncio.start_server(connected, LOOPBACK, port, limit=2**20))

    async def close(self) -> None:
        """End all connections."""
        for server in self._servers:
            server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def cut(self) -> None:
        """Nothing passes any more, in either direction; connections stay open."""
        self._passable.clear()

    def mend(self) -> None:
        """What waited passes, late."""
        self._passable.set()

    async def passable(self) -> None:
        """Wait while cut."""
        await self._passable.wait()

    def carry(self, work: "asyncio.Task[None]") -> None:
        """Keep a connection until it ends."""
        self._connections.add(work)
        work.add_done_callback(self._connections.discard)

    def with_own_ports(self, answer: bytes) -> bytes:
        """Return an answer in which brokers are where our proxies are: host and int32 port stand side by side."""
        return with_ports(answer, self._ports)


def with_ports(answer: bytes, ports: Mapping[int, int]) -> bytes:
    """Return the answer with each broker's port replaced."""
    for broker, port in ports.items():
        host = LOOPBACK.encode()
        answer = answer.replace(host + struct.pack(">i", broker), host + struct.pack(">i", port))
    return answer


def forged(answer: bytes) -> bytes:
    """Return the answer to a Produce request of one batch, done, saying that it failed.

    Version 8 and below: correlation id, one topic by name, one partition: index, error code (int16).
    """
    (name_length,) = struct.unpack_from(">h", answer, 8)
    place = 8 + 2 + name_length + 4 + 4
    return answer[:place] + struct.pack(">h", UNKNOWN_SERVER_ERROR) + answer[place + 2 :]


class _Connected:
    """Takes the connections to one broker."""

    def __init__(self, network: Network, broker: int) -> None:
        self._network = network
        self._broker = broker

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self._network, self._broker, reader, writer)
        self._network.carry(asyncio.create_task(connection.run(), name=f"proxy-{self._broker}"))


class _Connection:
    """One connection, frame by frame: int32 size, then a request or an answer of that many bytes."""

    def __init__(
        self, network: Network, broker: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._network = network
        self._broker = broker
        self._client = (reader, writer)
        self._kinds: dict[int, int] = {}

    async def run(self) -> None:
        """Carry until both sides are done."""
        writers = [self._client[1]]
        try:
            await self._network.passable()
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(LOOPBACK, self._broker, limit=2**20)
            writers.append(writer)
            asking = asyncio.create_task(self._ask(writer), name="proxy-requests")
            try:
                await self._answer(reader)
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the broker or the client is gone: so is the connection
        finally:
            for each in writers:
                each.close()

    async def _ask(self, broker: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await _frame(self._client[0])
                kind, _, number = struct.unpack_from(">hhi", request)
                self._kinds[number] = kind
                await self._network.passable()
                await _send(broker, request)
        except (OSError, asyncio.IncompleteReadError):
            broker.write_eof()  # the broker still takes what it was sent

    async def _answer(self, broker: asyncio.StreamReader) -> None:
        while True:
            answer = self._as_told(await _frame(broker))
            await self._network.passable()
            if answer is not None:
                await _send(self._client[1], answer)

    def _as_told(self, answer: bytes) -> bytes | None:
        """Return what the client is told; None: nothing, and it waits for ever."""
        network, kind = self._network, self._kinds.pop(struct.unpack_from(">i", answer)[0], None)
        if kind in NAMING_BROKERS:
            return network.with_own_ports(answer)
        if kind == PRODUCE and network.answers_to_lose > 0:
            network.answers_to_lose -= 1
            return None
        if kind == PRODUCE and network.answers_to_forge > 0:
            network.answers_to_forge -= 1
            return forged(answer)
        return answer


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def _send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(struct.pack(">i", len(frame)) + frame)
    await writer.drain()
