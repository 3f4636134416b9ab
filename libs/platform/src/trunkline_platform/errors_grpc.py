"""TrunklineError ⇄ gRPC status with google.rpc details: one table, read in both directions.

Must not: put a value of the request into a message; errors carry rules, fields and ids only.
"""

from datetime import timedelta
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status
from trunkline_core.errors import Conflict, Invalid, NotFound, Overloaded, Rejection, Transient, TrunklineError
from trunkline_ledger.submission import Defect

from trunkline_platform.credentials import Forbidden, Unauthenticated
from trunkline_platform.wire_times import duration

DOMAIN: Final = "trunkline"
DETAILS_KEY: Final = "grpc-status-details-bin"
UNAVAILABLE_RETRY_S: Final = 0.2

Code = grpc.StatusCode

CODES: Final[dict[type[TrunklineError], grpc.StatusCode]] = {
    Rejection: Code.FAILED_PRECONDITION,
    NotFound: Code.NOT_FOUND,
    Conflict: Code.ABORTED,
    Invalid: Code.INVALID_ARGUMENT,
    Overloaded: Code.RESOURCE_EXHAUSTED,
    Transient: Code.UNAVAILABLE,
    Unauthenticated: Code.UNAUTHENTICATED,
    Forbidden: Code.PERMISSION_DENIED,
}


def code_of(error: TrunklineError) -> grpc.StatusCode:
    """Return the status code; INTERNAL for what no caller can mend."""
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), Code.INTERNAL)


def status_of(error: TrunklineError) -> Status:
    """Return code, message and details."""
    status = Status(code=code_of(error).value[0], message=str(error))
    info, *others = _details(error)
    for detail in (details.ErrorInfo(reason=info, domain=DOMAIN), *others):
        status.details.add().Pack(detail)
    return status


def _details(error: TrunklineError) -> tuple[Any, ...]:
    """Return the reason, then further details."""
    match error:
        case Rejection(rule=rule):
            return (rule,)
        case NotFound(kind=kind, row_id=row_id):
            return "NotFound", details.ResourceInfo(resource_type=kind, resource_name=row_id)
        case Invalid(field=field, reason=reason):
            violation = details.BadRequest.FieldViolation(field=field, description=reason)
            return "Invalid", details.BadRequest(field_violations=[violation])
        case Overloaded(retry_after_s=seconds) | Transient(retry_after_s=seconds):
            return type(error).__name__, details.RetryInfo(retry_delay=duration(timedelta(seconds=seconds)))
        case _:
            return (type(error).__name__,)


async def abort(context: Any, error: TrunklineError) -> None:
    """End an RPC of `grpc.aio` with the error; does not return."""
    status = status_of(error)
    await context.abort(code_of(error), status.message, ((DETAILS_KEY, status.SerializeToString()),))


def error_from_rpc(error: grpc.aio.AioRpcError) -> TrunklineError:
    """Return what the server raised, as far as the status tells; a broken connection is Transient."""
    return error_from_status(error.code(), error.details() or "", _status(error))


def error_from_status(code: grpc.StatusCode, message: str, status: Status | None) -> TrunklineError:
    """Return the error of a status; `status` is None when the peer sent no details."""
    match code:
        case Code.FAILED_PRECONDITION:
            rule = _reason(status) or message
            return Rejection(rule, message.removeprefix(rule).removeprefix(": "))
        case Code.NOT_FOUND:
            resource = _detail(status, details.ResourceInfo())
            return NotFound(resource.resource_type, resource.resource_name) if resource else NotFound("row", "")
        case Code.ABORTED:
            return Conflict(message)
        case Code.INVALID_ARGUMENT:
            bad = _detail(status, details.BadRequest())
            first = bad.field_violations[0] if bad and bad.field_violations else None
            return Invalid(first.field, first.description) if first else Invalid("request", message)
        case Code.RESOURCE_EXHAUSTED:
            return Overloaded(message.removesuffix(" is full"), _retry_after_s(status, 1.0))
        case Code.UNAUTHENTICATED:
            return Unauthenticated(message)
        case Code.PERMISSION_DENIED:
            return Forbidden(message)
        case Code.UNAVAILABLE:
            return Transient(message, _retry_after_s(status, UNAVAILABLE_RETRY_S))
        case Code.DEADLINE_EXCEEDED | Code.CANCELLED:
            return Transient("no answer in time: the outcome is unknown", UNAVAILABLE_RETRY_S)
        case Code.UNKNOWN | Code.INTERNAL if status is None:  # gRPC's own words for a peer that died: ours have details
            return Transient("the server ended: the outcome is unknown", UNAVAILABLE_RETRY_S)
        case _:
            return Defect(f"the server failed ({code.name}): {message}")


def _status(error: grpc.aio.AioRpcError) -> Status | None:
    trailing: Any = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == DETAILS_KEY:
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None


def _detail(status: Status | None, into: Any) -> Any:
    """Return the first detail of that message type, None where there is none."""
    for detail in status.details if status else ():
        if detail.Unpack(into):
            return into
    return None


def _reason(status: Status | None) -> str:
    info = _detail(status, details.ErrorInfo())
    return info.reason if info else ""


def _retry_after_s(status: Status | None, default: float) -> float:
    info = _detail(status, details.RetryInfo())
    return info.retry_delay.seconds + info.retry_delay.nanos / 1e9 if info else default
