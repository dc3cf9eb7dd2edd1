"""Which events exist, who hears them, and whether the two fit together.

Filled once, at start, from each app's `events` and `handlers` modules. There is one class an
event name: the newest version. Older versions live on as samples and upcasters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from types import ModuleType
from typing import Any, TypeVar

from apps.events.contracts import Delivery
from apps.events.services.errors import RegistryError, UnknownEvent
from kernel import jsoncodec

Function = TypeVar("Function", Callable[[Delivery], None], Callable[[Sequence[Delivery]], None])
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerSpec:
    """A handler and what it asked for. `consumer` is its name in receipts: it must not change."""

    consumer: str
    event_type: str
    version: int
    external: bool
    call: Callable[[Any], None]  # of a Delivery or, with `batch`, of a sequence of them
    batch: bool = False


@dataclass(slots=True)
class Registry:
    """Events by name, handlers in order of installation."""

    classes: dict[str, type] = field(default_factory=dict)
    samples: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    upcasters: dict[Key, Upcaster] = field(default_factory=dict)
    handlers: dict[str, list[HandlerSpec]] = field(default_factory=dict)

    def add_event(self, cls: type) -> type:
        """Make an event class known. Raises RegistryError for a second class of that name."""
        name, version = _identity(cls)
        known = self.classes.setdefault(name, cls)
        if known is not cls:
            raise RegistryError(
                f"Event “{name}” is declared twice: by {_where(known)} and by {_where(cls)}."
            )
        if version < 1:
            raise RegistryError(f"{_where(cls)}: version must be 1 or more, not {version}.")
        return cls

    def add_handler(self, spec: HandlerSpec) -> None:
        """Make a handler known. Raises RegistryError when its consumer name is taken,
        or when it asks for batches of calls to the outside."""
        if spec.batch and spec.external:
            raise RegistryError(f"{spec.consumer}: calls to the outside are made one by one.")
        heard = self.handlers.setdefault(spec.event_type, [])
        twin = next((known for known in heard if known.consumer == spec.consumer), None)
        if twin is not None and twin.call is not spec.call:
            raise RegistryError(
                f"Two handlers of “{spec.event_type}” are called “{spec.consumer}”. "
                "Receipts carry that name, so it must be unique: rename one function."
            )
        if twin is None:
            heard.append(spec)

    def add_module(self, module: ModuleType, app_label: str) -> None:
        """Take every event class, SAMPLES and UPCASTERS of an app's `events`."""
        for value in vars(module).values():
            if _is_event_class(value) and _is_of(value, module):
                self._check_prefix(value, app_label)
                self.add_event(value)
        self.samples.update(getattr(module, "SAMPLES", {}))
        self.upcasters.update(getattr(module, "UPCASTERS", {}))

    @staticmethod
    def _check_prefix(cls: type, app_label: str) -> None:
        name, _version = _identity(cls)
        if not name.startswith(f"{app_label}."):
            raise RegistryError(f"{_where(cls)} is called “{name}”; it must start “{app_label}.”.")

    def problems(self) -> list[str]:
        """Everything that does not fit, one sentence each; empty when all is well."""
        return [
            *self._missing_samples(),
            *self._samples_that_do_not_decode(),
            *self._handlers_that_hear_nothing(),
        ]

    def check(self, also: Iterable[str] = ()) -> None:
        """Raise RegistryError that lists every problem, and those in `also`."""
        found = [*self.problems(), *also]
        if found:
            raise RegistryError("Events and handlers do not fit together:\n- " + "\n- ".join(found))

    def _missing_samples(self) -> Iterator[str]:
        for name, cls in self.classes.items():
            version = _identity(cls)[1]
            if (name, version) not in self.samples:
                yield f"{_where(cls)}: SAMPLES has no entry for ({name!r}, {version})."

    def _samples_that_do_not_decode(self) -> Iterator[str]:
        for (name, version), payload in self.samples.items():
            try:
                self.decode(name, version, dict(payload))
            except Exception as error:
                yield f"The sample of {name} v{version} cannot be read: {error!r}"

    def _handlers_that_hear_nothing(self) -> Iterator[str]:
        for spec in self.all_handlers():
            cls = self.classes.get(spec.event_type)
            if cls is None:
                yield f"{spec.consumer} handles “{spec.event_type}”, which no app publishes."
            elif _identity(cls)[1] != spec.version:
                yield (
                    f"{spec.consumer} handles version {spec.version} of “{spec.event_type}”; "
                    f"version {_identity(cls)[1]} is published."
                )

    def all_handlers(self) -> Iterable[HandlerSpec]:
        """Every handler, grouped by event."""
        return [spec for heard in self.handlers.values() for spec in heard]

    def identify(self, event: object) -> Key:
        """Name and version of an event instance. Raises UnknownEvent unless its class is known."""
        cls = type(event)
        if not _is_event_class(cls) or self.classes.get(_identity(cls)[0]) is not cls:
            raise UnknownEvent(
                f"{_where(cls)} is not a known event: declare it in its app's events.py as a "
                "frozen dataclass with `name` and `version`."
            )
        return _identity(cls)

    def knows(self, event_type: str, version: int) -> bool:
        """Whether this code can read that version (an older one counts, a newer one does not)."""
        cls = self.classes.get(event_type)
        return cls is not None and version <= _identity(cls)[1]

    def decode(self, event_type: str, version: int, payload: dict[str, Any]) -> Any:
        """Payload as stored -> event instance of the newest version. Raises UnknownEvent."""
        return self.reader(event_type, version)(payload)

    def reader(self, event_type: str, version: int) -> Callable[[dict[str, Any]], Any]:
        """What reads payloads of that version as events of the newest. Raises UnknownEvent."""
        if not self.knows(event_type, version):
            raise UnknownEvent(f"{event_type} v{version} is not known to this release.")
        cls = self.classes[event_type]
        steps = [self._upcaster(event_type, step) for step in range(version, _identity(cls)[1])]
        read: Callable[[Any], Any] = jsoncodec.reader(cls)

        def upcast_and_read(payload: dict[str, Any]) -> Any:
            for upcast in steps:
                payload = upcast(payload)
            return read(payload)

        return upcast_and_read if steps else read

    def text_reader(self, event_type: str, version: int) -> Callable[[str], Any]:
        """The same from the stored text: for events by the million. Raises UnknownEvent."""
        read = self.reader(event_type, version)
        if version == _identity(self.classes[event_type])[1]:
            return jsoncodec.text_reader(self.classes[event_type])
        parse = jsoncodec.text_reader(dict[str, Any])
        return lambda text: read(parse(text))

    def _upcaster(self, event_type: str, version: int) -> Upcaster:
        upcast = self.upcasters.get((event_type, version))
        if upcast is None:
            raise UnknownEvent(f"{event_type} v{version} has no upcaster to v{version + 1}.")
        return upcast

    def handlers_of(self, event_type: str) -> Iterable[HandlerSpec]:
        """Who hears this event, low apps first."""
        return self.handlers.get(event_type, ())

    def handler(self, event_type: str, consumer: str) -> HandlerSpec:
        """The handler behind a consumer name. Raises UnknownEvent when it is gone."""
        for spec in self.handlers_of(event_type):
            if spec.consumer == consumer:
                return spec
        raise UnknownEvent(f"{consumer} no longer handles {event_type}.")

    def copy(self) -> "Registry":
        """An independent copy, for tests."""
        return Registry(
            classes=dict(self.classes),
            samples=dict(self.samples),
            upcasters=dict(self.upcasters),
            handlers={name: list(heard) for name, heard in self.handlers.items()},
        )


_active = Registry()


def registry() -> Registry:
    """The registry in force."""
    return _active


@contextmanager
def isolated_registry() -> Iterator[Registry]:
    """A copy of the registry for one test; what it adds is gone afterwards."""
    global _active
    before = _active
    _active = before.copy()
    try:
        yield _active
    finally:
        _active = before


def handles(
    event_type: str,
    *,
    version: int,
    external: bool = False,
    batch: bool = False,
    consumer: str = "",
) -> Callable[[Function], Function]:
    """Register a function as a handler of an event, by the event's name.

    A handler takes one Delivery and runs in the transaction that also writes its receipt: its
    effects in the school's database happen exactly once. It must be quick and must not call the
    network. With `external=True` it runs later with no transaction open and may call the network;
    it may run more than once and passes `delivery.event_id` on as the idempotency key.

    With `batch=True` it takes a sequence of Deliveries, in order, and does for all of them what it
    would do for one: where an effect is one statement for many events that is several times
    faster. It comes after the handlers of single events. When it fails it is called again with
    one event at a time.

    `consumer` is the name in receipts, `<app>.<function>` unless given. Give the old one when a
    handler is moved or renamed, or it would handle waiting events a second time.
    """

    def register(function: Function) -> Function:
        registry().add_handler(
            HandlerSpec(
                consumer=consumer or _consumer_name(function),
                event_type=event_type,
                version=version,
                external=external,
                batch=batch,
                call=function,
            )
        )
        return function

    return register


def _consumer_name(function: Callable[..., None]) -> str:
    parts = function.__module__.split(".")
    app = parts[1] if parts[0] == "apps" and len(parts) > 1 else parts[0]
    return f"{app}.{function.__name__}"


def _is_event_class(value: Any) -> bool:
    return (
        isinstance(value, type)
        and is_dataclass(value)
        and isinstance(getattr(value, "name", None), str)
        and isinstance(getattr(value, "version", None), int)
    )


def _is_of(value: type, module: ModuleType) -> bool:
    """Defined here, not imported from another app."""
    return f"{value.__module__}.".startswith(f"{module.__name__}.")


def _identity(cls: type) -> Key:
    return cls.name, cls.version  # type: ignore[attr-defined]


def _where(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
