"""console as it runs, alone: log-in, sessions, roles, foreign pages, seeds, desk frames, errors, tenants."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiokafka import AIOKafkaProducer
from fastapi import Response
from google.protobuf.json_format import MessageToDict
from own_tenants import WEAK
from published import ledgers
from service_processes import ServiceProcess
from trunkline.directory.v1 import directory_service_pb2
from trunkline.directory.v1.directory_commands_pb2 import AdvancePolicyTrial, DefineUser, DirectoryCommand
from trunkline.live.v1.live_types_pb2 import LiveQueue
from trunkline_console.adapters.passwords import hash_password
from trunkline_console.adapters.seeds import seed_commands
from trunkline_console.application.accounts import login_token
from trunkline_console.application.guessing import MAX_WRONG
from trunkline_console.application.wishes import MAX_TEXT_BYTES
from trunkline_console.entrypoints.sessions import COOKIE, Sessions
from trunkline_console.settings import PACKAGE
from trunkline_core.errors import Invalid, NotFound, Rejection
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.ports import free_port
from trunkline_launcher.commands import PASSWORD
from trunkline_platform.commands import CommandClient, new_command_id
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.sealing import Sealer
from waiting import until_told
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECRET = "a secret of this test, at least 32 bytes long"
SEED = PACKAGE / "seeds" / "demo.yaml"
DEMO, OTHER = "tn_demo", "tn_other"
OWN_PAGE = {"x-trunkline": "1"}
PATIENCE_S = 60.0
PROBLEM = "application/problem+json"
TICKET = {"subject": "lost", "command_id": new_command_id()}
ELSEWHERE = "127.0.0.2"  # another address of this machine


class Console(ServiceProcess):
    """The service in its process. acd, channels, crm and ticketing are away."""

    def __init__(self, folder: Path, kafka: KafkaNode) -> None:
        self.kafka = kafka.bootstrap
        self.keys = folder / "keys.sqlite"
        self._grpc, nobody = free_port(), free_port()
        settings = {
            "TRUNKLINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TRUNKLINE_SECRET": SECRET,
            "TRUNKLINE_KEYSTORE": str(self.keys),
            "TRUNKLINE_CONSOLE_GRPC_PORT": str(self._grpc),
        }
        for service in ("ACD", "CHANNELS", "TICKETING", "CRM"):
            settings[f"TRUNKLINE_CONSOLE_{service}_ADDRESSES"] = f"127.0.0.1:{nobody}"
            settings[f"TRUNKLINE_CONSOLE_{service}_URL"] = f"http://127.0.0.1:{nobody}"
        super().__init__("console", folder, settings)

    def browser(self, address: str | None = None) -> httpx.AsyncClient:
        """A browser with our own page open and nobody logged in; `address` is where it stands."""
        transport = httpx.AsyncHTTPTransport(local_address=address)
        return httpx.AsyncClient(base_url=self.url, headers=OWN_PAGE, timeout=PATIENCE_S, transport=transport)

    @contextlib.asynccontextmanager
    async def as_user(
        self, login: str, tenant: str = DEMO, address: str | None = None
    ) -> AsyncIterator[httpx.AsyncClient]:
        async with self.browser(address) as browser:
            (await log_in(browser, login, tenant=tenant)).raise_for_status()
            yield browser

    @contextlib.asynccontextmanager
    async def socket(self, path: str, cookies: str = "", origin: str | None = None) -> AsyncIterator[ClientConnection]:
        url = f"{self.url.replace('http', 'ws', 1)}{path}"
        headers = {"cookie": cookies} if cookies else {}
        async with connect(url, additional_headers=headers, origin=origin, open_timeout=PATIENCE_S) as socket:  # type: ignore[arg-type]
            yield socket

    @contextlib.asynccontextmanager
    async def desk(self, login: str, tenant: str = DEMO) -> AsyncIterator["Desk"]:
        async with self.as_user(login, tenant) as browser, self.socket("/desk/ws", cookie_of(browser)) as socket:
            yield Desk(socket)

    async def read(self, request: Any, tenant: str, role: Role = Role.ADMIN) -> Any:
        """Read over gRPC; the request's type says what."""
        rpc = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryReadService"]
        method = Method(rpc.methods_by_name[type(request).__name__.removesuffix("Request")])
        token = Credentials(SECRET.encode()).issue(Principal(tenant, "user:us_1", frozenset({role})))
        channels = Channels()
        try:
            address = channels.to(f"127.0.0.1:{self._grpc}")
            return await method.call(address, request, token=token, timeout_s=PATIENCE_S)
        finally:
            await channels.close()

    @contextlib.asynccontextmanager
    async def administrator(self, tenant: str) -> AsyncIterator["Administrator"]:
        channels, keys = Channels(), SqliteKeyStore(self.keys, KeyWrap(SECRET.encode()))
        service = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryCommandService"]
        client = CommandClient(service, [f"127.0.0.1:{self._grpc}"], Credentials(SECRET.encode()), channels)
        try:
            yield Administrator(client, tenant, Sealer(keys, SECRET.encode()))
        finally:
            await channels.close()
            await keys.close()


class Administrator:
    """Defines things over gRPC."""

    def __init__(self, client: CommandClient, tenant: str, sealer: Sealer) -> None:
        self._client = client
        self._principal = Principal(tenant, "admin:us_admin", frozenset({Role.ADMIN}))
        self.sealer = sealer

    async def do(self, command: DirectoryCommand) -> Any:
        return await self._client.execute(command, self._principal, timeout_s=30.0)

    async def define_all(self, content: dict[str, Any]) -> None:
        async for command in seed_commands(content, self.sealer, lambda _: False, WEAK.hash):
            await self.do(command)


class Desk:
    """One desk's socket, frame by frame."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def frame(self, *kinds: str) -> dict[str, Any]:
        """Return the next frame of one of these kinds."""
        async with asyncio.timeout(PATIENCE_S):
            while (frame := json.loads(await self.socket.recv()))["type"] not in kinds:
                pass
        found: dict[str, Any] = frame
        return found

    async def answers(self, data: str | bytes) -> dict[str, Any]:
        """Send and return the refusal; then make sure that the desk still lives."""
        await self.socket.send(data)
        refused = await self.frame("refused", "done")
        await self.socket.send('{"type": "ping"}')
        await self.frame("pong")
        return refused


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of this module alone: it has one directory, and a centre may run on the session's."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


@pytest.fixture(scope="module")
def process(kafka: KafkaNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = Console(tmp_path_factory.mktemp("console"), kafka)
    yield console
    console.stop()


@pytest.fixture
async def console(process: Console) -> Console:
    """The demo tenant, and another one with users of the same names and passwords."""
    await process.ready()
    async with process.administrator(OTHER) as administrator:
        if (await try_log_in(process, "li", OTHER)).status_code != 200:
            await administrator.define_all(other_tenant())
    return process


def other_tenant() -> dict[str, Any]:
    """The demo's definitions as another tenant's, without flows."""
    content: dict[str, Any] = yaml.safe_load(SEED.read_text(encoding="utf-8"))
    content["tenant"] |= {"tenant_id": OTHER, "name": "Other shop"}
    content["queues"] = [queue | {"queue_id": f"{queue['queue_id']}_other"} for queue in content["queues"]]
    return {key: value for key, value in content.items() if key not in ("flows", "entry_points")}


async def log_in(
    browser: httpx.AsyncClient, login: str, password: str = PASSWORD, tenant: str = DEMO
) -> httpx.Response:
    return await browser.post("/api/login", json={"login": login, "password": password, "tenant": tenant})


async def try_log_in(
    console: Console, login: str, tenant: str = DEMO, password: str = PASSWORD, address: str | None = None
) -> httpx.Response:
    async with console.browser(address) as browser:
        return await log_in(browser, login, password, tenant)


def cookie_of(browser: httpx.AsyncClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


# -- log-in -------------------------------------------------------------------------------------------------------


async def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use_and_that_ends_with_the_log_out(
    console: Console,
) -> None:
    async with console.browser() as browser:
        assert (await browser.get("/api/me")).status_code == 401
        answer = await log_in(browser, " LI ")
        assert (answer.status_code, answer.json()["agent_id"], answer.json()["roles"]) == (200, "ag_li", ["AGENT"])
        flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
        assert flags == {"httponly", "samesite=strict", "path=/", "max-age=43200"}
        assert (await browser.get("/api/me")).json()["user_id"] == "us_li"
        session = browser.cookies[COOKIE]
        for wrong in (session[:-2] + "xx", "v1.x.y", "", "é"):
            browser.cookies.clear()
            refused = await browser.get("/api/me", headers=[(b"cookie", f"{COOKIE}={wrong}".encode())])
            assert (refused.status_code, refused.headers["content-type"]) == (401, PROBLEM), wrong


async def test_a_log_out_ends_the_session_everywhere_also_for_a_copied_cookie_and_for_open_sockets(
    console: Console,
) -> None:
    async with console.as_user("li") as browser, console.as_user("li") as second:
        copied = cookie_of(browser)
        async with (
            console.socket("/desk/ws", copied) as desk,
            console.socket("/wall/ws", copied) as wall,
            console.socket("/wall/ws", cookie_of(second)) as other_wall,
        ):
            assert (await browser.post("/api/logout")).status_code == 200
            assert (await browser.get("/api/me")).status_code == 401
            assert await closing_code(desk) == await closing_code(wall) == 4401
            await other_wall.send('{"type": "ping"}')
        assert await is_known(console, copied) is False
        assert await closed_with(console, "/desk/ws", copied) == 4401
        assert (await second.get("/api/me")).status_code == 200
        again = await second.post("/api/logout", headers={"cookie": copied})
        assert again.status_code == 200  # over already, and stays so


async def test_a_log_out_outlives_the_process(console: Console) -> None:
    async with console.as_user("li") as browser, console.as_user("li") as second:
        copied = cookie_of(browser)
        assert (await browser.post("/api/logout")).status_code == 200
        console.stop()
        console.start()
        await console.ready()
        assert (await is_known(console, copied), await is_known(console, cookie_of(second))) == (False, True)


async def is_known(console: Console, cookies: str) -> bool:
    async with console.browser() as browser:
        return (await browser.get("/api/me", headers={"cookie": cookies})).status_code == 200


async def closing_code(socket: ClientConnection) -> int | None:
    """Wait until the server closes the socket and return the code."""
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await socket.recv()
    return closed.value.rcvd.code if closed.value.rcvd else None


def test_behind_https_the_cookie_is_never_sent_in_clear() -> None:
    response = Response()
    Sessions(accounts=None, secure=True).begin(response, "session")  # type: ignore[arg-type]
    assert "secure" in response.headers["set-cookie"].lower()


async def test_a_wrong_password_and_an_unknown_user_are_told_the_same(console: Console) -> None:
    wrong = await try_log_in(console, "zhao", password="wrong")
    unknown = await try_log_in(console, "nobody")
    assert (wrong.status_code, wrong.json()) == (401, unknown.json())
    assert wrong.headers["content-type"] == PROBLEM
    assert "set-cookie" not in wrong.headers


async def test_after_ten_wrong_passwords_a_user_waits_there_also_with_the_right_one_and_nobody_else_does(
    console: Console,
) -> None:
    for _ in range(MAX_WRONG):
        assert (await try_log_in(console, "wang", OTHER, password="wrong")).status_code == 401
    for password in ("wrong", PASSWORD):
        locked = await try_log_in(console, "wang", OTHER, password=password)
        assert (locked.status_code, int(locked.headers["retry-after"]) > 0) == (429, True)
    assert (await try_log_in(console, "wang", DEMO)).status_code == 200
    assert (await try_log_in(console, "li", OTHER)).status_code == 200
    assert (await try_log_in(console, "wang", OTHER, address=ELSEWHERE)).status_code == 200


async def test_a_guesser_cannot_say_to_be_elsewhere(console: Console) -> None:
    async with console.browser() as browser:
        codes = []
        for number in range(MAX_WRONG + 2):
            browser.headers["x-forwarded-for"] = f"192.0.2.{number}"
            codes.append((await log_in(browser, "moving", "wrong")).status_code)
    assert codes == [401] * MAX_WRONG + [429] * 2


async def test_guesses_at_the_same_time_do_not_pass_the_limit_together(console: Console) -> None:
    guesses = [try_log_in(console, "guessed", password=f"guess {number}") for number in range(MAX_WRONG * 2)]
    codes = [answer.status_code for answer in await asyncio.gather(*guesses)]
    assert (codes.count(401), codes.count(429)) == (MAX_WRONG, MAX_WRONG)


async def test_a_user_who_may_not_log_in_any_more_loses_the_running_session_too(console: Console) -> None:
    async with console.administrator(OTHER) as administrator, console.as_user("zhao", OTHER) as browser:
        assert (await browser.get("/api/me")).status_code == 200
        async with console.socket("/wall/ws", cookie_of(browser)) as wall:
            await administrator.do(user_of(administrator, "zhao", PASSWORD, active=False))
            assert (await browser.get("/api/me")).status_code == 401
            assert await closing_code(wall) == 4401
        assert (await try_log_in(console, "zhao", OTHER)).status_code == 401
        await administrator.do(user_of(administrator, "zhao", PASSWORD, active=True))
    assert (await try_log_in(console, "zhao", OTHER)).status_code == 200


async def test_whoever_is_no_agent_any_more_loses_the_open_desk_and_keeps_the_wall(console: Console) -> None:
    async with console.administrator(OTHER) as administrator, console.as_user("wang", OTHER, ELSEWHERE) as browser:
        cookies = cookie_of(browser)
        async with console.socket("/desk/ws", cookies) as desk, console.socket("/wall/ws", cookies) as wall:
            await administrator.do(user_of(administrator, "wang", PASSWORD, active=True))  # a supervisor
            assert await closing_code(desk) == 4403
            await wall.send('{"type": "ping"}')
        assert (await browser.get("/api/me")).json()["roles"] == ["SUPERVISOR"]


async def test_an_entry_point_of_another_tenant_cannot_be_defined(console: Console) -> None:
    """Customers' pages name it without a tenant: whoever had it too would be sent customers of the other's."""
    command = DirectoryCommand()
    command.define_entry_point.entry_point.entry_point_id = "ep_demo_chat"
    async with console.administrator(OTHER) as administrator:
        with pytest.raises(Rejection, match="EntryPointTaken"):
            await administrator.do(command)


def user_of(administrator: Administrator, login: str, password: str, *, active: bool) -> DirectoryCommand:
    """Define a user of the other tenant anew, as a supervisor."""
    command = DirectoryCommand(define_user=DefineUser())
    user = command.define_user.user
    user.user_id, user.active, user.password_hash = f"us_{login}", active, hash_password(password)
    user.login_token = login_token(administrator.sealer, OTHER, login)
    user.roles.append(2)
    return command


# -- roles and foreign pages --------------------------------------------------------------------------------------


async def test_each_role_opens_only_its_own_doors(console: Console) -> None:
    erase = ("/api/customers/cu_1/erase", {"command_id": new_command_id()})
    async with console.as_user("li") as agent:
        refused = await agent.post(erase[0], json=erase[1])
        assert (refused.status_code, refused.json()["title"]) == (403, "Forbidden")
        async with console.socket("/wall/ws", cookie_of(agent)) as wall:
            assert json.loads(await wall.recv())["type"] == "wall"
        assert await closed_with(console, "/reading/ws?contact_id=ct_1", cookie_of(agent)) == 4403
        whisper = {"mode": "WHISPER", "text": "hello", "command_id": new_command_id()}
        refused = await agent.post("/api/contacts/ct_1/supervisor-message", json=whisper)
        assert (refused.status_code, refused.json()["title"]) == (403, "Forbidden")
    for login in ("zhao", "admin"):
        async with console.as_user(login) as browser:
            assert (await browser.post(erase[0], json=erase[1])).status_code == 503  # allowed; crm is away
            assert await closed_with(console, "/desk/ws", cookie_of(browser)) == 4403


async def test_sockets_are_for_logged_in_users_of_our_own_pages(console: Console) -> None:
    async with console.as_user("li") as browser:
        cookies = cookie_of(browser)
    for path in ("/desk/ws", "/wall/ws", "/reading/ws"):
        assert await closed_with(console, path) == 4401
        assert await closed_with(console, path, f"{COOKIE}=v1.x.y") == 4401
        for origin in ("https://elsewhere.example", "null", console.url.replace("127.0.0.1", "localhost")):
            assert await closed_with(console, path, cookies, origin) == 4401
    async with console.socket("/desk/ws", cookies, origin=console.url) as socket:
        await socket.send('{"type": "ping"}')
        assert json.loads(await socket.recv())["type"] == "pong"


async def closed_with(console: Console, path: str, cookies: str = "", origin: str | None = None) -> int | None:
    """Return the code with which the socket is closed."""
    async with console.socket(path, cookies, origin) as socket:
        return await closing_code(socket)


async def test_a_change_needs_the_header_that_only_our_own_pages_can_send(console: Console) -> None:
    async with console.as_user("zhao") as browser:
        del browser.headers["x-trunkline"]
        for path in ("/api/login", "/api/logout", "/api/tickets", "/api/customers/cu_1/erase"):
            body = {"login": "zhao", "password": PASSWORD} if path == "/api/login" else TICKET
            body = {"command_id": new_command_id()} if path.endswith("erase") else body
            for headers in ({}, {"x-trunkline": "0"}):
                refused = await browser.post(path, json=body, headers=headers)
                assert (refused.status_code, refused.json()["detail"]) == (403, "the page is not ours"), path
        assert (await browser.get("/api/me")).status_code == 200


# -- seeds --------------------------------------------------------------------------------------------------------


async def test_a_restart_applies_the_seed_again_and_changes_nothing_not_even_a_changed_password(
    console: Console,
) -> None:
    async with console.administrator(DEMO) as administrator:
        command = user_of(administrator, "zhao", "a better one", active=True)
        command.define_user.user.login_token = login_token(administrator.sealer, DEMO, "zhao")
        await administrator.do(command)
    before = [event.metadata.event_id for event in (await ledgers(console.kafka, "directory")).events]
    console.stop()
    console.start()
    await console.ready()
    assert [event.metadata.event_id for event in (await ledgers(console.kafka, "directory")).events] == before
    assert (await try_log_in(console, "zhao")).status_code == 401
    assert (await try_log_in(console, "zhao", password="a better one")).status_code == 200
    async with console.administrator(DEMO) as administrator:
        command.define_user.user.password_hash = hash_password(PASSWORD)
        await administrator.do(command)


# -- desk ---------------------------------------------------------------------------------------------------------

MALFORMED = [
    ("not json", "frame"),
    ("[1, 2]", "frame"),
    ('"text"', "frame"),
    ("null", "frame"),
    ("[" * 60_000, "frame"),
    ('{"type": "message", "contact_id": "ct_1", "text": "' + "x" * 200_000 + '"}', "text"),
    (b"\x00\x01", "frame"),
    ("{}", "type"),
    ('{"type": null}', "type"),
    ('{"type": ["intent"]}', "type"),
    ('{"type": "dance"}', "type"),
    ('{"type": "intent", "intent": "ASLEEP"}', "intent"),
    ('{"type": "intent", "intent": "BREAK", "break_reason": {"a": 1}}', "break_reason"),
    ('{"type": "intent", "intent": "BREAK", "break_reason": "' + "x" * 65 + '"}', "break_reason"),
    ('{"type": "intent", "intent": "BREAK", "break_reason": "\\ud800"}', "frame"),
    ('{"type": "intent", "intent": "BREAK", "break_reason": "siesta"}', "break_reason"),
    ('{"type": "intent", "intent": "OFFLINE", "when_free": 1}', "when_free"),
    ('{"type": "rearm", "command_id": "x"}', "command_id"),
    ('{"type": "rearm", "command_id": 7}', "command_id"),
    ('{"type": "rearm", "command_id": null}', "command_id"),
    ('{"type": "accept", "offer_no": 1}', "contact_id"),
    ('{"type": "accept", "contact_id": 7, "offer_no": 1}', "contact_id"),
    ('{"type": "accept", "contact_id": "ct_1"}', "offer_no"),
    ('{"type": "accept", "contact_id": "ct_1", "offer_no": "1"}', "offer_no"),
    ('{"type": "accept", "contact_id": "ct_1", "offer_no": true}', "offer_no"),
    ('{"type": "decline", "contact_id": "ct_1", "offer_no": 1.5}', "offer_no"),
    ('{"type": "decline", "contact_id": "ct_1", "offer_no": -1}', "offer_no"),
    ('{"type": "decline", "contact_id": "ct_1", "offer_no": 99999999999}', "offer_no"),
    ('{"type": "wrap_up", "contact_id": "ct_1", "code": [1]}', "code"),
    ('{"type": "message", "contact_id": "ct_1"}', "text"),
    ('{"type": "message", "contact_id": "ct_1", "text": "  "}', "text"),
    ('{"type": "message", "contact_id": "ct_1", "text": "' + "x" * 33_000 + '"}', "text"),
    ('{"type": "message", "contact_id": "ct_1", "text": "\\udfff"}', "frame"),
    ('{"type": "end", "contact_id": "' + "c" * 129 + '"}', "contact_id"),
]


async def test_a_malformed_frame_is_refused_with_the_fields_name_and_the_desk_lives_on(console: Console) -> None:
    async with console.desk("li") as desk:
        for frame, field in MALFORMED:
            refused = await desk.answers(frame)
            assert (refused["type"], refused["reason"], refused["retry_after_s"]) == ("refused", field, None), frame[
                :80
            ]


async def test_a_message_that_is_too_long_is_refused_by_its_id_and_one_that_just_fits_is_not(console: Console) -> None:
    async with console.desk("li") as desk:
        for text in ("字" * (MAX_TEXT_BYTES // 3 + 1), '"' * MAX_TEXT_BYTES * 2):
            frame = {"type": "message", "contact_id": "ct_1_1", "text": text, "command_id": new_command_id()}
            refused = await desk.answers(json.dumps(frame))
            assert (refused["command_id"], refused["reason"]) == (frame["command_id"], "text")
        refused = await desk.answers(json.dumps(frame | {"text": "\n" * (MAX_TEXT_BYTES - 1) + "x"}))
        assert (refused["command_id"], refused["reason"]) == (frame["command_id"], "Transient")  # channels is away


async def test_what_other_services_must_do_is_refused_with_a_time_to_retry_while_they_are_away(
    console: Console,
) -> None:
    async with console.desk("li") as desk:
        await desk.socket.send('{"type": "rearm", "command_id": "%s"}' % (command_id := new_command_id()))
        refused = await desk.frame("refused", "done")
        assert (refused["type"], refused["command_id"], refused["reason"]) == ("refused", command_id, "Transient")
        assert refused["retry_after_s"] > 0


async def test_a_desk_that_sends_more_than_can_wait_is_told_so(console: Console) -> None:
    async with console.desk("li") as desk:
        for _ in range(40):
            await desk.socket.send('{"type": "rearm"}')
        refusals = [(await desk.frame("refused"))["reason"] for _ in range(40)]
        assert refusals[:8] == ["Overloaded"] * 8
        assert set(refusals[8:]) == {"Transient"}


async def test_the_newest_desk_of_an_agent_wins_and_the_older_one_is_told(console: Console) -> None:
    async with console.desk("li") as older, console.desk("li", OTHER) as elsewhere, console.desk("li") as newer:
        await older.frame("replaced")
        with pytest.raises(ConnectionClosed):
            await older.frame("nothing")
        for desk in (newer, elsewhere):
            await desk.socket.send('{"type": "ping"}')
            await desk.frame("pong")


# -- wall ---------------------------------------------------------------------------------------------------------


async def test_the_wall_skips_a_live_row_that_cannot_be_read_and_an_older_one_and_shows_the_next(
    console: Console,
) -> None:
    async with console.as_user("zhao") as browser, console.socket("/wall/ws", cookie_of(browser)) as socket:
        assert json.loads(await socket.recv())["queues"] == []
        async with AIOKafkaProducer(bootstrap_servers=console.kafka) as producer:
            for value in (b"\xff", live_queue(DEMO, 5, 2), live_queue(DEMO, 4, 9), live_queue(OTHER, 6, 7)):
                await producer.send_and_wait("live.queues.v1", value, key=b"qu_wall", partition=0)
        async with asyncio.timeout(PATIENCE_S):
            frame = json.loads(await socket.recv())
        assert [(row["queue_id"], row["waiting"]) for row in frame["queues"]] == [("qu_wall", 2)]


async def test_the_wall_of_a_quiet_centre_answers_so_that_its_page_does_not_believe_it_lost(console: Console) -> None:
    async with console.as_user("zhao", OTHER) as browser, console.socket("/wall/ws", cookie_of(browser)) as socket:
        await socket.recv()
        await socket.send('{"type": "ping"}')
        async with asyncio.timeout(PATIENCE_S):
            assert json.loads(await socket.recv()) == {"type": "pong"}


def live_queue(tenant: str, offset: int, waiting: int) -> bytes:
    live = LiveQueue(tenant_id=tenant)
    live.row.queue_id, live.row.waiting, live.source.offset, live.source.epoch = "qu_wall", waiting, offset, 1
    return live.SerializeToString()


# -- REST ---------------------------------------------------------------------------------------------------------

WRONG = [
    ("POST", "/api/login", {"password": "x"}, 422, "login"),
    ("POST", "/api/login", {"login": "li", "password": ""}, 422, "password"),
    ("POST", "/api/login", {"login": "li", "password": "x", "role": "ADMIN"}, 422, "role"),
    ("POST", "/api/login", {"login": ["li"], "password": "x"}, 422, "login"),
    ("POST", "/api/tickets", {"subject": "", "command_id": "x"}, 422, "subject"),
    ("POST", "/api/tickets", {"subject": "x" * 8_001, "command_id": "x"}, 422, "subject"),
    ("POST", "/api/tickets", {"subject": " \n", "command_id": "x"}, 422, "subject"),
    ("POST", "/api/tickets", {"subject": "x", "command_id": "x" * 129}, 422, "command_id"),
    ("POST", "/api/tickets", {"subject": "x", "command_id": "x"}, 422, "command_id"),
    ("POST", "/api/tickets", ["subject"], 422, "body"),
    ("POST", "/api/tickets", b"{not json", 422, "body"),
    ("POST", "/api/tickets", rb'{"subject": "\ud800", "command_id": "x"}', 422, "subject"),
    ("POST", "/api/login", rb'{"login": "\ud800", "password": "x"}', 422, "login"),
    ("POST", "/api/login", {"login": "li", "password": "x", "tenant": "t" * 65}, 422, "tenant"),
    ("POST", "/api/login", b'{"login": "\xff", "password": "x"}', 400, None),
    ("GET", "/api/tickets?state=LOST", None, 422, "state"),
    ("GET", f"/api/tickets?cursor={'c' * 257}", None, 422, "cursor"),
    ("GET", "/api/tickets/tk%2F..%2F1", None, 404, None),
    ("GET", "/api/tickets/tk-1", None, 422, "id"),
    ("POST", "/api/tickets/tk_1/state", {"state": "LOST", "command_id": "x"}, 422, "state"),
    ("POST", "/api/tickets/tk_1/notes", {"command_id": "x"}, 422, "body"),
    ("GET", "/api/customers/..", None, 404, None),
    ("PUT", "/api/customers/cu_1", {"name": "x" * 201, "command_id": "x"}, 422, "name"),
    ("DELETE", "/api/tickets", None, 405, None),
    ("GET", "/api/nothing", None, 404, None),
    ("GET", "/openapi.json", None, 404, None),
    ("GET", "/%00", None, 404, None),
    ("GET", f"/{'a' * 300}", None, 404, None),
    ("POST", "/api/tickets", b"x" * 300_000, 413, None),
]


@pytest.mark.parametrize("method, path, body, status, field", WRONG, ids=lambda value: str(value)[:40])
async def test_a_wrong_request_is_a_problem_document_that_names_the_field(
    console: Console, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    async with console.as_user("admin") as browser:
        as_json = {"content-type": "application/json"}
        sent = {"content": body, "headers": as_json} if isinstance(body, bytes) else {"json": body}
        refused = await browser.request(method, path, **(sent if body is not None else {}))
    assert (refused.status_code, refused.json().get("field")) == (status, field), refused.text
    assert (refused.headers["content-type"], refused.json()["status"]) == (PROBLEM, status)


async def test_a_wrong_version_of_an_edit_is_refused_by_the_headers_name(console: Console) -> None:
    async with console.as_user("li") as browser:
        body = {"name": "x", "command_id": new_command_id()}
        for version in (b"seven", b"-1", "\u00b2".encode("latin-1"), b"9" * 30):
            refused = await browser.put("/api/customers/cu_1", json=body, headers=[(b"if-match", version)])
            assert (refused.status_code, refused.json().get("field")) == (422, "If-Match"), version


async def test_rest_says_when_to_come_back_while_another_service_is_away(console: Console) -> None:
    async with console.as_user("li") as browser:
        ticket = {"subject": "lost", "command_id": new_command_id()}
        for answer in (await browser.get("/api/tickets"), await browser.post("/api/tickets", json=ticket)):
            assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
            assert int(answer.headers["retry-after"]) >= 1
        assert (await browser.get("/api/directory")).status_code == 200


# -- tenants ------------------------------------------------------------------------------------------------------


async def test_users_of_one_tenant_see_nothing_of_another_with_the_same_names(console: Console) -> None:
    async with console.as_user("li", OTHER) as other, console.as_user("li") as demo:
        mine, theirs = (await other.get("/api/directory")).json(), (await demo.get("/api/directory")).json()
        assert {queue["queue_id"] for queue in mine["queues"]} == {"qu_support_other", "qu_sales_other"}
        assert {queue["queue_id"] for queue in theirs["queues"]} == {"qu_support", "qu_sales"}
        assert (mine["entry_points"], len(theirs["entry_points"])) == ([], 2)
        assert (await other.get("/api/me")).json()["tenant_id"] == OTHER
    assert (await try_log_in(console, "li", "tn_nobody")).status_code == 401


async def test_a_session_cannot_be_carried_into_another_tenant(console: Console) -> None:
    async with console.as_user("li", OTHER) as other:
        forged = Credentials(SECRET.encode()).issue(Principal(DEMO, "user:us_admin", frozenset({Role.ADMIN})))
        refused = await other.get("/api/me", headers={"cookie": f"{COOKIE}={forged}"})
        assert refused.status_code == 401  # a credential between services is no session of a browser


# -- the routing policy ---------------------------------------------------------------------------------------------


async def test_a_policy_is_published_through_the_ledger_and_a_second_one_of_the_same_version_is_a_conflict(
    console: Console,
) -> None:
    async with console.as_user("zhao", OTHER) as supervisor:
        assert (await supervisor.get("/api/v1/routing-policy")).status_code == 403
    async with console.as_user("admin", OTHER) as browser:
        before = await browser.get("/api/v1/routing-policy")
        headers = {"if-match": before.headers["etag"]}
        body = {"every_queue": {"max_waiting": 77}, "note": "a test", "command_id": new_command_id()}
        done = await browser.put("/api/v1/routing-policy", json=body, headers=headers)
        assert (done.status_code, done.json()["version"]) == (200, before.json()["version"] + 1)
        second = await browser.put(
            "/api/v1/routing-policy", json=body | {"command_id": new_command_id()}, headers=headers
        )
        assert (second.status_code, second.json()["title"]) == (412, "PolicyChangedMeanwhile")
        queues = (await browser.get("/api/v1/routing-policy")).json()["queues"]
        assert {queue["max_waiting"] for queue in queues} == {77}


async def test_the_policy_and_its_versions_are_read_and_compared_over_grpc_as_over_rest(console: Console) -> None:
    async with console.as_user("admin", OTHER) as browser:
        before = await browser.get("/api/v1/routing-policy")
        known = before.json()["version"]
        body = {"every_queue": {"max_waiting": 66}, "note": "shorter", "command_id": new_command_id()}
        headers = {"if-match": before.headers["etag"]}
        (await browser.put("/api/v1/routing-policy", json=body, headers=headers)).raise_for_status()
        told = (await browser.get(f"/api/v1/routing-policy/compare?from={known}&to={known + 1}")).json()["queues"]
    policy = await console.read(directory_service_pb2.GetRoutingPolicyRequest(), OTHER)
    assert (policy.version, {queue.max_waiting for queue in policy.queues}) == (known + 1, {66})
    older = await console.read(directory_service_pb2.GetRoutingPolicyRequest(version=known), OTHER)
    assert (older.version, 66 in {queue.max_waiting for queue in older.queues}) == (known, False)
    listed = await console.read(directory_service_pb2.ListRoutingPoliciesRequest(), OTHER)
    assert (listed.versions[0].version, listed.versions[0].note) == (known + 1, "shorter")
    assert sorted(listed.versions[0].changed_queue_ids) == [queue["queue_id"] for queue in told]
    versions = {"from_version": known, "to_version": known + 1}
    found = await console.read(directory_service_pb2.CompareRoutingPoliciesRequest(**versions), OTHER)
    shown = [MessageToDict(queue, preserving_proto_field_name=True) for queue in found.queues]
    assert shown == [
        {
            "queue_id": queue["queue_id"],
            "change": "QUEUE_CHANGE_CHANGED",
            "fields": [
                {"field": "max_waiting", "from_value": each["from"], "to_value": 66} for each in queue["fields"]
            ],
        }
        for queue in told
    ]
    with pytest.raises(Forbidden):
        await console.read(directory_service_pb2.GetRoutingPolicyRequest(), OTHER, Role.SUPERVISOR)
    with pytest.raises(NotFound):
        await console.read(directory_service_pb2.GetRoutingPolicyRequest(version=known + 2), OTHER)
    with pytest.raises(Invalid, match="from_version"):
        await console.read(directory_service_pb2.CompareRoutingPoliciesRequest(from_version=-1), OTHER)


async def test_blocks_of_a_trial_begin_by_themselves_also_after_a_restart_and_the_policy_from_before_comes_back(
    console: Console,
) -> None:
    async with console.as_user("admin", OTHER) as browser:
        before = await browser.get("/api/v1/routing-policy")
        limits = {queue["queue_id"]: queue["max_waiting"] for queue in before.json()["queues"]}
        body = {"every_queue": {"max_waiting": 55}, "block_duration": "15s", "pairs": 2, "command_id": new_command_id()}
        headers = {"if-match": before.headers["etag"]}
        started = await browser.post("/api/v1/routing-policy/trials", json=body, headers=headers)
        assert started.status_code == 200, started.text
        assert (await blocks_of(browser, at_least=1))[0]["block"] == 1
        console.stop()
        console.start()
        await console.ready()
        blocks = await blocks_of(browser, at_least=2)
        assert sorted(block["policy"] for block in blocks[:2]) == ["A", "B"]
        in_force = (await browser.get("/api/v1/routing-policy")).json()
        assert in_force["version"] == blocks[-1]["version"]
        wanted = dict.fromkeys(limits, 55) if blocks[-1]["policy"] == "B" else limits
        assert {queue["queue_id"]: queue["max_waiting"] for queue in in_force["queues"]} == wanted
        end = {"command_id": new_command_id()}
        number = started.json()["trial_no"]
        ended = await browser.post(f"/api/v1/routing-policy/trials/{number}/end", json=end)
        assert ended.json() == {"trial_no": number, "changed": True}
        queues = (await browser.get("/api/v1/routing-policy")).json()["queues"]
        assert {queue["queue_id"]: queue["max_waiting"] for queue in queues} == limits


async def test_nobody_outside_begins_a_block_of_a_trial(console: Console) -> None:
    early = DirectoryCommand(advance_policy_trial=AdvancePolicyTrial(trial_no=1, block_no=1))
    async with console.administrator(OTHER) as administrator:
        with pytest.raises(Forbidden, match="only the partition's owner fires timers"):
            await administrator.do(early)


async def blocks_of(browser: httpx.AsyncClient, at_least: int) -> list[dict[str, Any]]:
    """Wait for so many blocks of the newest trial and return them."""

    async def begun() -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = (await browser.get("/api/v1/routing-policy/trials")).json()["trials"][0][
            "blocks"
        ]
        return blocks if len(blocks) >= at_least else []

    return await until_told(begun, f"{at_least} blocks have begun")
