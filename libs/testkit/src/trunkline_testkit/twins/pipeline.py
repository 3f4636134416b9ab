"""Aggregation over documents in memory: the stages of the store's contract."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trunkline_testkit.twins.documents import MISSING, change, compare, matches, sort_documents, values_at

Documents = list[dict[str, Any]]


def run_pipeline(documents: Documents, pipeline: Sequence[Mapping[str, Any]]) -> Documents:
    """Pass the documents through all stages."""
    for stage in pipeline:
        ((name, body),) = stage.items()
        documents = _STAGES[name](documents, body)
    return documents


def _evaluate(document: Mapping[str, Any], expression: Any) -> Any:
    if not (isinstance(expression, str) and expression.startswith("$")):
        return expression
    values = values_at(document, expression[1:])
    return values[0] if len(values) == 1 else [value for value in values if value is not MISSING]


def _group(documents: Documents, body: Mapping[str, Any]) -> Documents:
    groups: dict[str, tuple[Any, Documents]] = {}
    for document in documents:
        identity = _identity(document, body["_id"])
        groups.setdefault(repr(identity), (identity, []))[1].append(document)
    return [
        {"_id": identity, **{name: _accumulate(members, how) for name, how in body.items() if name != "_id"}}
        for identity, members in groups.values()
    ]


def _identity(document: Mapping[str, Any], expression: Any) -> Any:
    if isinstance(expression, Mapping):
        parts = {name: _evaluate(document, part) for name, part in expression.items()}
        return {name: part for name, part in parts.items() if part is not MISSING}
    found = _evaluate(document, expression)
    return None if found is MISSING else found


def _accumulate(members: Documents, how: Mapping[str, Any]) -> Any:
    ((name, expression),) = how.items()
    return _ACCUMULATORS[name]([_evaluate(member, expression) for member in members])


def _numbers(values: list[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]


def _average(values: list[Any]) -> float | None:
    numbers = _numbers(values)
    return sum(numbers) / len(numbers) if numbers else None


def _extreme(sign: int) -> Callable[[list[Any]], Any]:
    def find(values: list[Any]) -> Any:
        found = None
        for value in values:
            if value is not None and value is not MISSING and (found is None or sign * compare(value, found) > 0):
                found = value
        return found

    return find


_ACCUMULATORS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "$sum": lambda values: sum(_numbers(values)),
    "$avg": _average,
    "$min": _extreme(-1),
    "$max": _extreme(1),
    "$push": lambda values: [value for value in values if value is not MISSING],
    "$first": lambda values: None if values[0] is MISSING else values[0],
}


def _project(documents: Documents, body: Mapping[str, Any]) -> Documents:
    return [_projected(document, body) for document in documents]


def _projected(document: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: how for name, how in body.items() if how not in (0, False)}
    if not shown.keys() - {"_id"}:
        return {name: value for name, value in document.items() if name not in body}
    parts: dict[str, Any] = {} if "_id" in body else {"_id": document.get("_id", MISSING)}
    for name, how in shown.items():
        parts[name] = _evaluate(document, how if isinstance(how, str) else f"${name}")
    return _nested({name: part for name, part in parts.items() if part is not MISSING})


def _nested(parts: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    change(made, {"$set": parts}, inserting=True)
    return made


def _unwind(documents: Documents, body: str) -> Documents:
    field = body[1:]
    return [{**document, field: item} for document in documents for item in _elements(document.get(field))]


def _elements(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


_STAGES: Final[dict[str, Callable[[Documents, Any], Documents]]] = {
    "$match": lambda documents, query: [document for document in documents if matches(document, query)],
    "$group": _group,
    "$sort": lambda documents, order: sort_documents(documents, list(order.items())),
    "$skip": lambda documents, count: documents[count:],
    "$limit": lambda documents, count: documents[:count],
    "$project": _project,
    "$unwind": _unwind,
    "$count": lambda documents, name: [{name: len(documents)}] if documents else [],
}
