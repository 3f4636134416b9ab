"""What may be asked of a store: operators, stages and values that the embedded store and MongoDB treat alike.

Owns: the lists and the checks. Must not: know an implementation; each calls these checks first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from trunkline_platform.store import MAX_FOUND, Upsert

FIELD_OPERATORS: Final = frozenset(
    ("$in", "$gt", "$gte", "$lt", "$lte", "$ne", "$regex", "$elemMatch", "$not", "$exists")
)
LOGICAL_OPERATORS: Final = frozenset(("$or", "$and"))
UPDATE_OPERATORS: Final = frozenset(
    ("$set", "$inc", "$max", "$min", "$unset", "$setOnInsert", "$push", "$pull", "$addToSet")
)
ADDING_OPERATORS: Final = frozenset(("$inc", "$push"))
STAGES: Final = frozenset(("$match", "$group", "$sort", "$skip", "$limit", "$project", "$unwind", "$count"))
ACCUMULATORS: Final = frozenset(("$sum", "$avg", "$min", "$max", "$push", "$first"))
INT64: Final = 1 << 63


def check_document(document: Mapping[str, Any]) -> None:
    """Raises: ValueError for a document that both stores would not give back as it is."""
    if not isinstance(document.get("_id"), str):
        raise ValueError("_id must be a string")
    for name, value in document.items():
        _check_field(name)
        check_value(value)


def check_value(value: object) -> None:
    """Raises: ValueError for a value outside the contract."""
    match value:
        case None | bool() | float() | str() | bytes():
            return
        case int() if -INT64 <= value < INT64:
            return
        case datetime() if value.tzinfo is not None and value.microsecond % 1000 == 0:
            return
        case Mapping():
            for name, inner in value.items():
                _check_field(name)
                check_value(inner)
        case list() | tuple():
            for inner in value:
                check_value(inner)
        case _:
            raise ValueError(f"a {type(value).__name__} like this is outside the store's contract")


def check_query(query: Mapping[str, Any]) -> None:
    """Raises: ValueError for an operator outside the contract."""
    for name, condition in query.items():
        if name in LOGICAL_OPERATORS:
            for part in condition:
                check_query(part)
        elif name.startswith("$"):
            raise _outside(name)
        else:
            _check_condition(condition)


def check_update(update: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises: ValueError for an operator or a value outside the contract."""
    if not update:
        raise ValueError("an update needs an operator")
    for operator, fields in update.items():
        if operator not in UPDATE_OPERATORS:
            raise _outside(operator)
        for path, value in fields.items():
            _check_path(path)
            _check_change(operator, value)


def check_upsert(write: Upsert) -> None:
    """Raises: ValueError also where repeating the write would add up."""
    check_update(write.update)
    adding = ADDING_OPERATORS & write.update.keys()
    if write.version is None and adding:
        raise ValueError(f"{min(adding)} needs a version, else writing again would add up")


def check_pipeline(pipeline: Sequence[Mapping[str, Any]]) -> None:
    """Raises: ValueError for a stage, accumulator or expression outside the contract."""
    for stage in pipeline:
        ((name, body),) = stage.items()
        if name not in STAGES:
            raise _outside(name)
        if name == "$match":
            check_query(body)
        elif name == "$group":
            _check_group(body)
        elif name == "$project":
            for expression in body.values():
                _check_expression(expression)


def check_limit(limit: int) -> None:
    """Raises: ValueError outside 1 to 10,000."""
    if not 1 <= limit <= MAX_FOUND:
        raise ValueError(f"limit must be 1 to {MAX_FOUND}")


def _check_condition(condition: object) -> None:
    if not isinstance(condition, Mapping):
        check_value(condition)
        return
    operators = [name for name in condition if name.startswith("$")]
    for name in operators:
        if name not in FIELD_OPERATORS:
            raise _outside(name)
        _check_operand(name, condition[name])
    if not operators:
        check_value(condition)


def _check_operand(operator: str, operand: Any) -> None:
    match operator:
        case "$not":
            _check_condition(operand)
        case "$elemMatch" if not any(name.startswith("$") for name in operand):
            check_query(operand)
        case "$elemMatch":
            _check_condition(operand)
        case _:
            check_value(operand)


def _check_change(operator: str, value: Any) -> None:
    if operator in ("$push", "$addToSet") and isinstance(value, Mapping) and "$each" in value:
        allowed = {"$each", "$slice"} if operator == "$push" else {"$each"}
        for name in value.keys() - allowed:
            raise _outside(name)
        check_value(value["$each"])
    elif operator == "$pull" and isinstance(value, Mapping):
        _check_condition(value)
    else:
        check_value(value)


def _check_group(body: Mapping[str, Any]) -> None:
    identity = body["_id"]
    for expression in identity.values() if isinstance(identity, Mapping) else [identity]:
        _check_expression(expression)
    for name, accumulation in body.items():
        if name == "_id":
            continue
        ((accumulator, expression),) = accumulation.items()
        if accumulator not in ACCUMULATORS:
            raise _outside(accumulator)
        _check_expression(expression)


def _check_expression(expression: object) -> None:
    if isinstance(expression, Mapping | list):
        raise ValueError("expressions other than a field or a constant are outside the store's contract")


def _check_path(path: str) -> None:
    for part in path.split("."):
        if part.isdigit():
            raise ValueError("places inside an array are outside the store's contract")
        _check_field(part)


def _check_field(name: object) -> None:
    if not isinstance(name, str) or not name or name.startswith("$"):
        raise ValueError("a field's name is a string that does not begin with $")


def _outside(name: str) -> ValueError:
    return ValueError(f"{name} is outside the store's contract")
