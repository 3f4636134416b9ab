"""What consoles say over gRPC about their desks, and what these are shown. Must not: decide anything about agents."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any, assert_never, cast

from trunkline.acd.v1 import acd_service_pb2, acd_service_pb2_grpc
from trunkline_core.errors import Invalid
from trunkline_platform.credentials import Forbidden, Principal, Role
from trunkline_platform.grpc_server import current_principal
from trunkline_platform.peers import Peer, PeerRegistry, PeerSession
from trunkline_platform.watch import Subscription, converse
from trunkline_platform.wire import duration

from trunkline_acd.adapters.wire import AGENT_VIEW
from trunkline_acd.application.desk_feed import MAX_WATCHED, DeskFeed, Push


class AgentSessions(acd_service_pb2_grpc.AgentSessionServiceServicer):
    """State and work of agents, pushed to their desks."""

    def __init__(self, feed: DeskFeed, consoles: PeerRegistry) -> None:
        self._feed = feed
        self._consoles = consoles

    async def Session(self, request_iterator: Any, context: Any) -> AsyncIterator[acd_service_pb2.SessionResponse]:
        """Push the views of watched agents until the peer ends the stream."""
        principal = current_principal()
        principal.require(Role.SERVICE, Role.SUPERVISOR, Role.AGENT)
        with self._feed.subscribe() as desk:
            listener = _Listener(self._feed, self._consoles, principal, desk)
            conversation = converse(aiter(request_iterator), listener.handle, desk)
            async with aclosing(cast(AsyncGenerator[Push, None], conversation)) as pushes:
                async for push in pushes:
                    yield _response(push)


class _Listener:
    """What a console says on one stream."""

    def __init__(self, feed: DeskFeed, consoles: PeerRegistry, principal: Principal, desk: Subscription[Push]) -> None:
        self._feed = feed
        self._consoles = consoles
        self._principal = principal
        self._desk = desk
        self._session: PeerSession | None = None

    async def handle(self, request: acd_service_pb2.SessionRequest) -> None:
        """Take one request. Raises: Invalid, Forbidden, Rejection(`PeerReplaced`)."""
        if self._session is None:
            self._session = self._greet(request)
            return
        held = None
        match request.WhichOneof("request"):
            case "watch_agents":
                agent_ids = list(request.watch_agents.agent_ids)
                _check_watch(self._principal, agent_ids)
                await self._feed.watch(self._desk, self._principal.tenant, agent_ids)
            case "heartbeat":
                held = _held(request.heartbeat)
            case "hello" | None:  # a stream is one peer's; None: a request of a newer version
                pass
            case other:
                assert_never(other)
        self._session.heard(held)

    def _greet(self, request: acd_service_pb2.SessionRequest) -> PeerSession:
        if request.WhichOneof("request") != "hello":
            raise Invalid("hello", "must come first")
        hello, console = request.hello, Peer(self._principal.tenant, request.hello.peer_id)
        return self._consoles.greet(console, self._principal.actor, hello.boot_id, _held(hello))


def _held(said: acd_service_pb2.PeerHello | acd_service_pb2.PeerHeartbeat) -> list[str] | None:
    """Return whose desks the console has, None where it does not say. Raises: Invalid."""
    if not said.HasField("held"):
        return None
    if len(said.held.agent_ids) > MAX_WATCHED:
        raise Invalid("held.agent_ids", f"must be at most {MAX_WATCHED}")
    return list(said.held.agent_ids)


def _check_watch(principal: Principal, agent_ids: list[str]) -> None:
    if len(agent_ids) > MAX_WATCHED:
        raise Invalid("watch_agents.agent_ids", f"must be at most {MAX_WATCHED}")
    sees_all = principal.roles & {Role.SERVICE, Role.SUPERVISOR}
    if not sees_all and any(f"agent:{agent_id}" != principal.actor for agent_id in agent_ids):
        raise Forbidden("an agent watches only itself")


def _response(push: Push) -> acd_service_pb2.SessionResponse:
    response = acd_service_pb2.SessionResponse(agent=AGENT_VIEW.to_message(push.view))
    if push.received_monotonic is not None:
        latency = timedelta(seconds=time.monotonic() - push.received_monotonic)
        response.owner_latency.CopyFrom(duration(latency))
    return response
