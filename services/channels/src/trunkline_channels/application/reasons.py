"""How a refusal is named to somebody who asked over a stream or a socket."""

from trunkline_core.errors import Erased, Invalid, NotFound, Overloaded, Rejection, Transient, TrunklineError


def reason_of(error: TrunklineError) -> str:
    """Return the rule or the field; the kind of what is not found; else the kind of error."""
    match error:
        case Rejection(rule=rule):
            return rule
        case Invalid(field=field):
            return field
        case Erased():
            return "Erased"
        case NotFound(kind=kind):
            return kind
        case _:
            return type(error).__name__


def retry_after_s(error: TrunklineError) -> float | None:
    """Return when to try again, None for never."""
    return error.retry_after_s if isinstance(error, Overloaded | Transient) else None
