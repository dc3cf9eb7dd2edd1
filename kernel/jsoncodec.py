"""Frozen dataclasses to plain JSON values and back, by their type hints."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

T = TypeVar("T")
Reader = Callable[[Any], Any]
_PARSERS: dict[type, Any] = {
    UUID: UUID,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
}


def encode(value: Any) -> Any:
    """A dataclass instance (or a part of one) as JSON values. Floats are refused: no money in
    floats, and nothing else here needs them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (UUID, date, datetime)):
        return value.isoformat() if isinstance(value, date) else str(value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    raise TypeError(f"cannot encode {type(value).__name__}")


def decode(cls: type[T], data: dict[str, Any]) -> T:
    """An instance of `cls`. Unknown keys are ignored (a newer writer may add some); a missing key
    without a default raises TypeError."""
    return reader(cls)(data)  # type: ignore[arg-type, no-any-return]


@lru_cache(maxsize=512)
def reader(cls: type) -> Reader:
    """Reads instances of a class, as decode() does. Looking the hints up for each would take most
    of the time."""
    fields = [
        (name, _value_reader(hint))
        for name, hint in get_type_hints(cls).items()
        if get_origin(hint) is not ClassVar
    ]

    def read(data: dict[str, Any]) -> Any:
        values = {}
        for name, convert in fields:
            if name in data:
                value = data[name]
                values[name] = value if value is None or convert is None else convert(value)
        return cls(**values)

    return read


def _value_reader(hint: Any) -> Reader | None:
    """None for what JSON has itself."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _value_reader(next(arg for arg in args if arg is not type(None)))
    if origin in (list, tuple):
        return _sequence_reader(origin, _value_reader(args[0]))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        # Not at once: a class may hold instances of itself.
        return lambda value: reader(hint)(value)
    return _PARSERS.get(hint)


def _sequence_reader(kind: type, convert: Reader | None) -> Reader:
    if convert is None:
        return kind
    return lambda value: kind([item if item is None else convert(item) for item in value])
