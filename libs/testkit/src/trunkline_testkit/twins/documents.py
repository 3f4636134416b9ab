"""Documents as MongoDB treats them: paths, order between types, matching, changing; the narrow contract only.

Source of the rules: the MongoDB manual, "Query and Projection Operators", "Comparison/Sort Order", "Update Operators".
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any, Final

MISSING: Final = object()
_RANKS: Final[tuple[tuple[type | tuple[type, ...], int], ...]] = (
    (bool, 8),  # before int, of which it is a subclass
    ((int, float), 2),
    (str, 3),
    (Mapping, 4),
    (list, 5),
    (bytes, 6),
    (datetime, 9),
)


def values_at(document: Any, path: str) -> list[Any]:
    """Return what a path leads to: several values where it crosses an array, `[MISSING]` where it leads nowhere."""
    head, _, rest = path.partition(".")
    if isinstance(document, list):
        return [value for item in document if isinstance(item, Mapping) for value in values_at(item, path)]
    if not isinstance(document, Mapping) or head not in document:
        return [MISSING]
    return values_at(document[head], rest) if rest else [document[head]]


def matches(document: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    """Tell whether the document is one that `find` would return."""
    for name, condition in query.items():
        if name == "$or":
            met = any(matches(document, part) for part in condition)
        elif name == "$and":
            met = all(matches(document, part) for part in condition)
        else:
            met = _meets(values_at(document, name), condition)
        if not met:
            return False
    return True


def _is_operators(condition: object) -> bool:
    return isinstance(condition, Mapping) and any(name.startswith("$") for name in condition)


def _meets(values: list[Any], condition: Any) -> bool:
    if not _is_operators(condition):
        return _any(values, lambda value: is_equal(value, condition))
    return all(_OPERATORS[name](values, operand) for name, operand in condition.items())


def _any(values: list[Any], predicate: Callable[[Any], bool]) -> bool:
    """Look at each value and, where it is an array, at its items too."""
    return any(predicate(value) for value in values) or any(
        predicate(item) for value in values if isinstance(value, list) for item in value
    )


def is_equal(value: Any, wanted: Any) -> bool:
    """Compare as MongoDB does: null equals a missing field, True is not 1, key order of a document counts."""
    if wanted is None:
        return value is None or value is MISSING
    if value is MISSING or _rank(value) != _rank(wanted):
        return False
    if isinstance(value, Mapping):
        return list(value.items()) == list(wanted.items())
    return bool(value == wanted)


def compare(left: Any, right: Any) -> int:
    """Order two values of any types: negative, zero or positive."""
    ranks = _rank(left), _rank(right)
    if ranks[0] != ranks[1]:
        return ranks[0] - ranks[1]
    if left is None or left is MISSING:
        return 0
    if isinstance(left, Mapping):
        left, right = str(list(left.items())), str(list(right.items()))
    return int(left > right) - int(left < right)


def _rank(value: Any) -> int:
    if value is None or value is MISSING:
        return 1
    return next(rank for kind, rank in _RANKS if isinstance(value, kind))


def _ordered(test: Callable[[int], bool]) -> Callable[[list[Any], Any], bool]:
    """Only values of one type are greater or less than each other."""

    def check(values: list[Any], operand: Any) -> bool:
        return _any(
            values,
            lambda value: value is not MISSING and _rank(value) == _rank(operand) and test(compare(value, operand)),
        )

    return check


def _matches_regex(values: list[Any], pattern: str) -> bool:
    return _any(values, lambda value: isinstance(value, str) and re.search(pattern, value) is not None)


def _matches_element(values: list[Any], condition: Mapping[str, Any]) -> bool:
    items = [item for value in values if isinstance(value, list) for item in value]
    if _is_operators(condition):
        return any(_meets([item], condition) for item in items)
    return any(isinstance(item, Mapping) and matches(item, condition) for item in items)


_OPERATORS: Final[dict[str, Callable[[list[Any], Any], bool]]] = {
    "$in": lambda values, wanted: any(_meets(values, option) for option in wanted),
    "$gt": _ordered(lambda order: order > 0),
    "$gte": _ordered(lambda order: order >= 0),
    "$lt": _ordered(lambda order: order < 0),
    "$lte": _ordered(lambda order: order <= 0),
    "$ne": lambda values, wanted: not _meets(values, wanted),
    "$not": lambda values, condition: not _meets(values, condition),
    "$exists": lambda values, wanted: any(value is not MISSING for value in values) == bool(wanted),
    "$regex": _matches_regex,
    "$elemMatch": _matches_element,
}


def normalised(value: Any) -> Any:
    """Return the value as the store gives it back: a copy, times in UTC."""
    match value:
        case Mapping():
            return {name: normalised(inner) for name, inner in value.items()}
        case list() | tuple():
            return [normalised(inner) for inner in value]
        case datetime():
            return value.astimezone(UTC)
    return value


def sort_documents(documents: list[dict[str, Any]], order: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Sort by several fields; an array counts as its least item ascending, its greatest descending."""
    for field, direction in reversed(order):
        documents = sorted(documents, key=_sort_key(field, direction), reverse=direction < 0)
    return documents


def _sort_key(field: str, direction: int) -> Callable[[Mapping[str, Any]], Any]:
    by_order = cmp_to_key(compare)

    def key(document: Mapping[str, Any]) -> Any:
        values = [item for value in values_at(document, field) for item in _items(value)]
        return by_order((min if direction > 0 else max)(values, key=by_order, default=None))

    return key


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    else:
        yield value


def change(document: dict[str, Any], update: Mapping[str, Mapping[str, Any]], *, inserting: bool) -> None:
    """Apply update operators in place."""
    for operator, fields in update.items():
        if operator == "$setOnInsert" and not inserting:
            continue
        for path, value in fields.items():
            _CHANGES[operator](*_leaf(document, path), value)


def _leaf(document: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    *parents, name = path.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    return document, name


def _set(place: dict[str, Any], name: str, value: Any) -> None:
    place[name] = value


def _increase(place: dict[str, Any], name: str, value: Any) -> None:
    place[name] = place.get(name, 0) + value


def _raise_to(place: dict[str, Any], name: str, value: Any) -> None:
    if name not in place or compare(value, place[name]) > 0:
        place[name] = value


def _lower_to(place: dict[str, Any], name: str, value: Any) -> None:
    if name not in place or compare(value, place[name]) < 0:
        place[name] = value


def _unset(place: dict[str, Any], name: str, value: Any) -> None:
    place.pop(name, None)


def _push(place: dict[str, Any], name: str, value: Any) -> None:
    is_many = isinstance(value, Mapping) and "$each" in value
    array = [*place.get(name, []), *(value["$each"] if is_many else [value])]
    size = value.get("$slice") if is_many else None
    if size is not None:
        array = array[:size] if size >= 0 else array[size:]
    place[name] = array


def _add_to_set(place: dict[str, Any], name: str, value: Any) -> None:
    array = list(place.get(name, []))
    for item in value["$each"] if isinstance(value, Mapping) and "$each" in value else [value]:
        if not any(is_equal(known, item) for known in array):
            array.append(item)
    place[name] = array


def _pull(place: dict[str, Any], name: str, value: Any) -> None:
    if name in place:
        place[name] = [item for item in place[name] if not _is_pulled(item, value)]


def _is_pulled(item: Any, value: Any) -> bool:
    if isinstance(value, Mapping) and not _is_operators(value):
        return isinstance(item, Mapping) and matches(item, value)
    return _meets([item], value)


_CHANGES: Final[dict[str, Callable[[dict[str, Any], str, Any], None]]] = {
    "$set": _set,
    "$setOnInsert": _set,
    "$inc": _increase,
    "$max": _raise_to,
    "$min": _lower_to,
    "$unset": _unset,
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pull": _pull,
}
