"""Frozen dataclasses to plain JSON values and back, by their type hints."""

from __future__ import annotations

import dataclasses
import types
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

T = TypeVar("T")
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
    hints = _hints(cls)  # type: ignore[arg-type]
    known = {key: _decode(hints[key], value) for key, value in data.items() if key in hints}
    return cls(**known)


@lru_cache(maxsize=512)
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}


def _decode(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _decode(next(arg for arg in args if arg is not type(None)), value)
    if origin in (list, tuple):
        items = [_decode(args[0], item) for item in value]
        return tuple(items) if origin is tuple else items
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value)
    return _PARSERS[hint](value) if hint in _PARSERS else value
