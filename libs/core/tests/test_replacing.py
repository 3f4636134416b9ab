"""`replace`: the same as the standard library's, for every kind of data class."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from trunkline_core.replacing import replace


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    number: int = 0
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heir(Row):
    extra: bool = False


@dataclass(frozen=True)
class WithoutSlots:
    name: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    name: str
    number: int = 0
    twice: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("number")
        object.__setattr__(self, "twice", 2 * self.number)


@dataclass(slots=True)
class Changing:
    name: str
    number: int = 0


@pytest.mark.parametrize("kind", [Row, Heir, WithoutSlots, Checked, Changing])
@given(name=some.text(), number=some.integers(min_value=0), changes=some.fixed_dictionaries({}, optional={
    "name": some.text(), "number": some.integers(min_value=0)
}))  # fmt: skip
def test_it_is_what_the_standard_library_makes(kind: Any, name: str, number: int, changes: dict[str, Any]) -> None:
    row = kind(name, number)
    assert replace(row, **changes) == dataclasses.replace(row, **changes)
    assert type(replace(row, **changes)) is kind
    assert row == kind(name, number)


def test_what_is_not_named_is_the_same_object() -> None:
    row = Row("a", 1, ("x", "y"))
    assert replace(row, number=2).marks is row.marks


@pytest.mark.parametrize("row", [Row("a"), WithoutSlots("a")])
def test_a_field_that_does_not_exist_is_refused(row: Any) -> None:
    with pytest.raises(TypeError, match="other"):
        replace(row, other=1)


def test_what_a_class_checks_when_it_is_made_is_checked() -> None:
    with pytest.raises(ValueError, match="number"):
        replace(Checked("a", 1), number=-1)


def test_a_copy_is_as_frozen_as_its_row() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        replace(Row("a"), number=2).number = 3  # type: ignore[misc]
