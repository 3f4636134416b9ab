"""Signatures of web hooks, and the addresses that effects outside (ledger rule 14) are posted to."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest
from starlette.datastructures import Headers
from trunkline_core.errors import Misconfigured, Transient
from trunkline_platform.credentials import Unauthenticated
from trunkline_platform.outside import NotReached, OutsidePosts, is_public
from trunkline_platform.settings import ServiceSettings, load
from trunkline_platform.webhooks import SIGNATURE, TIMESTAMP, TOLERANCE_S, WebhookSecrets, signed, verify

OLD, NEW = b"the secret until now, long enough", b"the secret from now on, long enough"
NOW_S = 1_767_603_600
BODY = b'{"text": "hello"}'


def headers(**changes: str) -> Headers:
    return Headers({**signed([OLD], NOW_S, BODY), **changes})


def test_the_signature_is_what_the_documents_say():
    wanted = hmac.new(OLD, f"{NOW_S}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert signed([OLD], NOW_S, BODY) == {TIMESTAMP: str(NOW_S), SIGNATURE: f"v1={wanted}"}


@pytest.mark.parametrize("known", [[OLD], [NEW, OLD], [OLD, NEW]])
@pytest.mark.parametrize("apart_s", [0, TOLERANCE_S, -TOLERANCE_S])
def test_a_genuine_body_passes_within_five_minutes_under_either_of_two_secrets(known, apart_s):
    verify(known, headers(), BODY, NOW_S + apart_s)


def test_a_body_signed_with_both_secrets_passes_at_whoever_knows_one():
    both = Headers(signed([OLD, NEW], NOW_S, BODY))
    verify([OLD], both, BODY, NOW_S)
    verify([NEW], both, BODY, NOW_S)


@pytest.mark.parametrize(
    ("wrong", "body", "now_s", "told"),
    [
        ({}, BODY + b" ", NOW_S, SIGNATURE),
        ({TIMESTAMP: str(NOW_S + 1)}, BODY, NOW_S, SIGNATURE),
        ({SIGNATURE: ""}, BODY, NOW_S, SIGNATURE),
        ({SIGNATURE: signed([NEW], NOW_S, BODY)[SIGNATURE]}, BODY, NOW_S, SIGNATURE),
        ({SIGNATURE: signed([OLD], NOW_S, BODY)[SIGNATURE].removeprefix("v1=")}, BODY, NOW_S, SIGNATURE),
        ({SIGNATURE: "v1=\u00fc"}, BODY, NOW_S, SIGNATURE),
        ({SIGNATURE: "v1=0," * 4 + signed([OLD], NOW_S, BODY)[SIGNATURE]}, BODY, NOW_S, SIGNATURE),
        ({TIMESTAMP: ""}, BODY, NOW_S, TIMESTAMP),
        ({TIMESTAMP: "now"}, BODY, NOW_S, TIMESTAMP),
        ({TIMESTAMP: "٣"}, BODY, NOW_S, TIMESTAMP),
        ({}, BODY, NOW_S + TOLERANCE_S + 1, TIMESTAMP),
        ({}, BODY, NOW_S - TOLERANCE_S - 1, TIMESTAMP),
    ],
)
def test_whatever_is_wrong_is_refused_with_the_name_of_the_header(wrong, body, now_s, told):
    given = {**signed([OLD], NOW_S, BODY), **wrong}
    with pytest.raises(Unauthenticated, match=told):
        verify([OLD], given, body, now_s)


def test_a_secret_counts_for_its_tenant_and_name_only():
    secrets = WebhookSecrets(f"tn_a/now={OLD.decode().replace(' ', '_').replace(',', '')}, tn_b/now={'x' * 32}")
    assert secrets.of("tn_b", ["now", "next"]) == [b"x" * 32]
    for tenant, names in (("tn_c", ["now"]), ("tn_b", ["next"]), ("tn_b", [])):
        with pytest.raises(Transient):
            secrets.of(tenant, names)


@pytest.mark.parametrize("wrong", ["tn_a/now", "tn_a/now=short", "now=" + "x" * 32, "tn_a/no w=" + "x" * 32])
def test_a_setting_of_secrets_that_is_wrong_is_one_sentence_without_them(monkeypatch, wrong):
    monkeypatch.setenv("TRUNKLINE_KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    monkeypatch.setenv("TRUNKLINE_SECRET", "s" * 32)
    monkeypatch.setenv("TRUNKLINE_WEBHOOK_SECRETS", wrong)
    with pytest.raises(Misconfigured, match=r"^TRUNKLINE_WEBHOOK_SECRETS is wrong: ") as told:
        load(ServiceSettings)
    assert "xxxx" not in str(told.value)


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:93.184.216.34",
        "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::",
    ],
)  # fmt: skip
def test_addresses_of_this_machine_and_its_network_are_not_nor_those_with_another_inside(address):
    assert not is_public(address)


class Receiver:
    """A server on this machine that answers every request with one status and far too much."""

    def __init__(self) -> None:
        self.port = 0
        self.status = "200 OK"
        self.requests: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {self.status}\r\nLocation: http://127.0.0.1:{self.port}/again\r\n\r\n".encode())
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()


async def reason_of(posts: OutsidePosts, url: str) -> str:
    try:
        with pytest.raises(NotReached) as refused:
            await posts.post(url, BODY, {})
        return refused.value.reason
    finally:
        await posts.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nothing_reaches_this_machine_unless_a_setting_says_so(receiver, scheme, host):
    assert await reason_of(OutsidePosts(), f"{scheme}://{host}:{receiver.port}/") == "AddressRefused"
    assert await reason_of(OutsidePosts([f"127.0.0.1:{receiver.port + 1}"]), f"{scheme}://{host}:{receiver.port}/") == (
        "AddressRefused"
    )
    assert receiver.requests == []


async def test_an_allowed_receiver_is_told_once_redirects_are_not_followed_and_its_answer_is_not_read(receiver):
    posts = OutsidePosts([f"127.0.0.1:{receiver.port}"])
    try:
        assert await posts.post(f"http://127.0.0.1:{receiver.port}/", BODY, {"Idempotency-Key": "nc_1"}) == 200
        receiver.status = "307 Temporary Redirect"
        assert await posts.post(f"http://127.0.0.1:{receiver.port}/", BODY, {}) == 307
    finally:
        await posts.close()
    assert len(receiver.requests) == 2
    assert b"Idempotency-Key: nc_1" in receiver.requests[0]


async def test_a_receiver_that_does_not_listen_and_a_name_that_does_not_exist_are_not_reached(receiver):
    assert await reason_of(OutsidePosts(["127.0.0.1:1"]), "http://127.0.0.1:1/") == "Unreachable"
    assert await reason_of(OutsidePosts(), "https://nowhere.invalid/") == "Unreachable"
    assert await reason_of(OutsidePosts(), "https://") in ("AddressRefused", "Unreachable")
