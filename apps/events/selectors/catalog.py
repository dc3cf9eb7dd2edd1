"""Reading the registry: which events there are, what they mean, who hears them."""

import dataclasses
import json
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints

from apps.events.contracts import EventConsumer, EventEntry, EventField

Key = tuple[str, int]
Samples = dict[str, dict[str, Any]]  # event -> version, as text -> payload
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


class Heard(Protocol):
    """What the catalog reads of a handler."""

    @property
    def consumer(self) -> str: ...

    @property
    def external(self) -> bool: ...


class Known(Protocol):
    """What the catalog reads of the registry."""

    @property
    def classes(self) -> Mapping[str, type]: ...

    @property
    def samples(self) -> Mapping[Key, Mapping[str, Any]]: ...

    def handlers_of(self, event_type: str) -> Iterable[Heard]: ...


def list_events(registry: Known) -> list[EventEntry]:
    """Every event by name."""
    return [_entry(registry, name, cls) for name, cls in sorted(registry.classes.items())]


def list_samples(registry: Known) -> Samples:
    """The sample of every event and version, as plain JSON values in a fixed order."""
    found: Samples = {}
    for (name, version), payload in sorted(registry.samples.items()):
        found.setdefault(name, {})[str(version)] = json.loads(json.dumps(payload))
    return found


def altered_samples(published: Samples, current: Samples) -> list[str]:
    """Those of the published samples, as "event vN", that are gone or read otherwise now."""
    return [
        f"{name} v{version}"
        for name, versions in published.items()
        for version, payload in versions.items()
        if current.get(name, {}).get(version) != payload
    ]


def _entry(registry: Known, name: str, cls: type) -> EventEntry:
    version: int = vars(cls)["version"]
    known = sorted(number for event, number in registry.samples if event == name)
    return EventEntry(
        name=name,
        app=name.partition(".")[0],
        meaning=meaning_of(cls),
        version=version,
        older_versions=tuple(number for number in known if number < version),
        fields=tuple(_fields(cls)),
        consumers=tuple(
            EventConsumer(name=spec.consumer, external=spec.external)
            for spec in registry.handlers_of(name)
        ),
    )


def meaning_of(cls: type) -> str:
    """The first sentence of the class's docstring; empty when it has none of its own."""
    text = cls.__doc__ or ""
    # A dataclass without a docstring gets its signature for one.
    if text.startswith(f"{cls.__name__}("):
        return ""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return _SENTENCE_END.split(paragraph)[0]


def _fields(cls: type, prefix: str = "") -> Iterator[EventField]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        name = prefix + field.name
        yield EventField(name=name, type=_type_name(hint), has_default=_has_default(field))
        for part in _parts(hint):
            yield from _fields(part, f"{name}{'[]' if _is_list(hint) else ''}.")


def _has_default(field: "dataclasses.Field[Any]") -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _parts(hint: Any) -> list[type]:
    """The dataclasses that a type holds."""
    found = [hint, *get_args(hint)]
    return [part for part in found if isinstance(part, type) and dataclasses.is_dataclass(part)]


def _is_list(hint: Any) -> bool:
    return get_origin(hint) in (list, tuple)


def _type_name(hint: Any) -> str:
    origin, parts = get_origin(hint), [part for part in get_args(hint) if part is not Ellipsis]
    names = [_type_name(part) for part in parts]
    if origin in (Union, types.UnionType):
        return " or ".join(names)
    if _is_list(hint):
        return f"list of {names[0]}"
    if origin is not None:
        return f"{origin.__name__} of {' to '.join(names)}"
    return "none" if hint is type(None) else str(getattr(hint, "__name__", hint))
