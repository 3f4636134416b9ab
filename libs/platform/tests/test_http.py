import asyncio

import httpx
import pytest
import websockets
from fastapi import Request, WebSocket
from pydantic import BaseModel, Field
from trunkline_core.errors import Conflict, Invalid, Misconfigured, NotFound, Overloaded, Poison, Rejection, Transient
from trunkline_platform.credentials import Forbidden, Unauthenticated
from trunkline_platform.http import HttpServer, health_app
from trunkline_platform.lifecycle import Process, running
from trunkline_platform.rest import create_app


class Body(BaseModel):
    size: int = Field(ge=1)


class Site:
    """A service with routes that fail in every way."""

    failure: Exception = Rejection("X")
    trusted_proxies: tuple[str, ...] = ()

    async def bootstrap(self, process):
        self.ready = True
        app = create_app("test", process, max_body_bytes=1_000)

        @app.get("/client")
        async def client(request: Request) -> str:
            return request.client.host if request.client else ""

        @app.get("/fails")
        async def fails() -> None:
            raise self.failure

        @app.post("/sizes")
        async def sizes(body: Body) -> Body:
            return body

        @app.websocket("/echo")
        async def echo(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text(await socket.receive_text())

        server = HttpServer(app, "127.0.0.1", 0, self.trusted_proxies)
        self.url, self.port = server.url, server.port
        process.on_stop("http", server.stop)
        process.add("http", server.run())
        process.ready("part", lambda: self.ready)


@pytest.fixture
async def site():
    site = Site()
    async with running("test", site.bootstrap), httpx.AsyncClient(base_url=site.url) as site.client:
        yield site


@pytest.mark.parametrize(
    ("failure", "status", "members"),
    [
        (Rejection("AgentAtCapacity"), 409, {"title": "Rejection", "rule": "AgentAtCapacity"}),
        (NotFound("agent", "ag_1"), 404, {"detail": "unknown agent ag_1"}),
        (Conflict("known with another payload"), 409, {"title": "Conflict"}),
        (Invalid("queue.name", "must be set"), 422, {"field": "queue.name"}),
        (Unauthenticated("no credential"), 401, {}),
        (Forbidden("needs the role admin"), 403, {}),
        (Poison("a secret detail"), 500, {"detail": "internal error"}),
        (KeyError("a secret detail"), 500, {"detail": "internal error"}),
    ],
)
async def test_each_failure_is_a_problem_document(site, failure, status, members):
    site.failure = failure
    answer = await site.client.get("/fails")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json().items() >= {"type": "about:blank", "status": status, **members}.items()
    assert "secret" not in answer.text


@pytest.mark.parametrize(("failure", "status"), [(Overloaded("lane", 0.3), 429), (Transient("no broker", 2.2), 503)])
async def test_what_may_be_repeated_says_when(site, failure, status):
    site.failure = failure
    answer = await site.client.get("/fails")
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "1" if status == 429 else "3")
    assert answer.json()["retry_after_s"] == failure.retry_after_s


@pytest.mark.parametrize(
    ("trusted_proxies", "client"),
    [((), "127.0.0.1"), (("192.0.2.0/24",), "127.0.0.1"), (("127.0.0.0/8", "10.0.0.1"), "198.51.100.7")],
)
async def test_where_the_client_is_tells_only_a_trusted_proxy(trusted_proxies, client):
    site = Site()
    site.trusted_proxies = trusted_proxies
    async with running("test", site.bootstrap), httpx.AsyncClient(base_url=site.url) as browser:
        answer = await browser.get("/client", headers={"x-forwarded-for": "203.0.113.9, 198.51.100.7, 10.0.0.1"})
        plain = await browser.get("/client")
    assert (answer.json(), plain.json()) == (client, "127.0.0.1")


async def test_routes_are_not_described_to_strangers(site):
    assert (await site.client.get("/openapi.json")).status_code == 404


async def test_bad_input_names_its_field_and_does_not_repeat_it(site):
    answer = await site.client.post("/sizes", json={"size": -77})
    assert (answer.status_code, answer.json()["field"]) == (422, "size")
    assert "77" not in answer.text
    answer = await site.client.post("/sizes", content=b"no json")
    assert answer.status_code == 422
    assert (await site.client.get("/nowhere")).json()["status"] == 404
    assert (await site.client.get("/sizes")).status_code == 405


async def test_a_body_above_the_limit_is_refused_also_without_a_length(site):
    async def endless():
        for _ in range(100):
            yield b" " * 100

    assert (await site.client.post("/sizes", content=b" " * 1_001)).status_code == 413
    answer = await site.client.post("/sizes", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_every_answer_has_the_security_headers(site):
    for path in ("/livez", "/fails", "/nowhere"):
        answer = await site.client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


async def test_health_and_metrics(site):
    assert (await site.client.get("/livez")).text == "ok\n"
    assert (await site.client.get("/readyz")).status_code == 200
    site.ready = False
    answer = await site.client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "part\n")
    assert "process_cpu_seconds_total" in (await site.client.get("/metrics")).text


async def test_websockets_work(site):
    async with websockets.connect(site.url.replace("http", "ws") + "/echo") as socket:
        await socket.send("你好")
        assert await socket.recv() == "你好"


async def test_a_connection_that_was_idle_for_a_while_still_takes_a_request(site):
    limits = httpx.Limits(keepalive_expiry=60)
    async with httpx.AsyncClient(base_url=site.url, limits=limits) as client:
        first = port_of(await client.get("/client"))
        await asyncio.sleep(5.5)  # uvicorn's own bound is 5 s
        assert port_of(await client.get("/client")) == first, "closed under a client that may be sending"


def port_of(answer):
    """The client's own port: the same for as long as its connection is."""
    return answer.extensions["network_stream"].get_extra_info("client_addr")[1]


async def test_a_port_in_use_is_one_sentence(site):
    with pytest.raises(Misconfigured, match=f"127.0.0.1:{site.port}"):
        HttpServer(health_app(Process("second")), "127.0.0.1", site.port)
