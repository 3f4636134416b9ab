"""Commands that this process sends itself, and what it makes of the answer."""

from typing import Any

from trunkline.contact.v1 import contact_events_pb2 as events
from trunkline.contact.v1.contact_service_pb2 import ExecuteResponse
from trunkline_channels.adapters.orders import LocalCommander
from trunkline_channels.domain.commands import CloseContact
from trunkline_channels.domain.words import CloseReason
from trunkline_platform.credentials import Principal

ONE = "ct_0123456789abcdef_one"
CLOSE = CloseContact(ONE, CloseReason.CUSTOMER_LEFT, "")
CLOSED = events.ContactEvent(contact_closed=events.ContactClosed(contact_id=ONE))
UNKNOWN = events.ContactEvent.FromString(b"\xc2\x3e\x00")  # field 1000 of a newer version


async def answered(*told: events.ContactEvent) -> str:
    class Server:
        async def execute(self, request: Any, caller: Principal, timeout_s: float) -> ExecuteResponse:
            return ExecuteResponse(events=told)

    return await LocalCommander(Server()).send(CLOSE, Principal("tn_demo", "customer"), "c1", b"")  # type: ignore[arg-type]


async def test_the_contact_is_named_by_the_first_event_that_this_version_knows() -> None:
    """While a newer version owns the partition, this one forwards to it (ledger rule 21)."""
    assert await answered(UNKNOWN, CLOSED) == ONE


async def test_an_answer_that_tells_nothing_known_names_no_contact() -> None:
    assert (await answered(UNKNOWN), await answered()) == ("", "")
