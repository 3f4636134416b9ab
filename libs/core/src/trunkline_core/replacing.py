"""`replace` of the standard library, up to three times as fast: an event replaces a few rows of twenty fields and more.

Must not: be used for what `dataclasses.replace` cannot do either.
"""

import dataclasses
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(row: Any, /, **changes: Any) -> Any:
        """Return a copy of the row with other values in the named fields.

        A row is a frozen data class with slots whose fields are all copied; any other class is replaced as the standard
        library does. Only `__init__` is left out, which would set each field through the class's refusal to be changed.

        Raises:
            TypeError: no field has such a name.
        """
        layout = _LAYOUTS.get(row.__class__)
        if layout is None:
            if not _is_row(row.__class__):
                return dataclasses.replace(row, **changes)
            layout = _LAYOUTS[row.__class__] = _layout(row.__class__)
        read, setters, by_name = layout
        copy = object.__new__(row.__class__)
        for put, value in zip(setters, read(row), strict=True):
            put(copy, value)
        for name, value in changes.items():
            if name not in by_name:
                raise TypeError(f"{row.__class__.__name__} has no field {name!r}")
            by_name[name](copy, value)
        return copy


Setter = Callable[[Any, Any], None]
_Layout = tuple[Callable[[Any], tuple[Any, ...]], tuple[Setter, ...], dict[str, Setter]]

_LAYOUTS: dict[type, _Layout] = {}


def _is_row(kind: type) -> bool:
    """Return whether a copy of all slots is what `__init__` would make; one field alone is not worth it."""
    parameters = getattr(kind, "__dataclass_params__", None)
    is_plain = parameters is not None and parameters.frozen and not hasattr(kind, "__post_init__")
    fields = dataclasses.fields(kind) if is_plain else ()
    return len(fields) > 1 and all(hasattr(getattr(kind, field.name, None), "__set__") for field in fields)


def _layout(kind: type) -> _Layout:
    """Return what reads all fields of a row at once, and what sets each."""
    names = [field.name for field in dataclasses.fields(kind)]
    setters = {name: getattr(kind, name).__set__ for name in names}
    return operator.attrgetter(*names), tuple(setters.values()), setters
