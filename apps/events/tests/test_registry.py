from dataclasses import dataclass
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.events import facade as events
from apps.events.services.discovery import discover
from apps.events.services.registry import Registry
from apps.events.services.registry import registry as registry_in_force


def nothing(delivery):
    """A handler."""


def lesson_event(name="lessons.lesson_moved", version=1):
    @dataclass(frozen=True, slots=True, kw_only=True)
    class LessonMoved:
        note: str

    LessonMoved.name = name
    LessonMoved.version = version
    return LessonMoved


def test_the_installed_events_and_handlers_fit_together():
    assert registry_in_force().problems() == []


def test_every_sample_of_an_installed_event_decodes_to_its_class():
    registry = registry_in_force()

    for (name, version), payload in registry.samples.items():
        assert isinstance(registry.decode(name, version, dict(payload)), registry.classes[name])


def test_a_handler_of_an_unknown_event_stops_the_start(registry):
    events.handles("lessons.never_published", version=1, consumer="register")(nothing)

    with pytest.raises(events.RegistryError, match=r"register handles “lessons\.never_published”"):
        registry.check()


def test_the_start_itself_makes_the_check(registry):
    events.handles("lessons.never_published", version=1, consumer="register")(nothing)

    with pytest.raises(ImproperlyConfigured, match="which no app publishes"):
        discover()


def test_a_start_after_the_start_changes_nothing(registry):
    before = [spec.consumer for spec in registry.all_handlers()]

    discover()

    assert [spec.consumer for spec in registry.all_handlers()] == before


def test_a_handler_of_a_version_nobody_publishes_stops_the_start(registry):
    events.handles("lessons.lesson_held", version=1, consumer="register")(nothing)

    with pytest.raises(events.RegistryError, match=r"version 1 .* version 2 is published"):
        registry.check()


def test_an_event_without_a_sample_stops_the_start(registry):
    registry.add_event(lesson_event())

    with pytest.raises(events.RegistryError, match=r"no entry for \('lessons.lesson_moved', 1\)"):
        registry.check()


def test_a_sample_that_cannot_be_read_stops_the_start(registry):
    registry.add_event(lesson_event())
    registry.samples[("lessons.lesson_moved", 1)] = {"place": "gym"}

    with pytest.raises(events.RegistryError, match=r"sample of lessons\.lesson_moved v1"):
        registry.check()


def test_an_old_sample_without_an_upcaster_stops_the_start(registry):
    registry.add_event(lesson_event(version=2))
    registry.samples[("lessons.lesson_moved", 2)] = {"note": "gym"}
    registry.samples[("lessons.lesson_moved", 1)] = {"note": "gym"}

    with pytest.raises(events.RegistryError, match="v1 has no upcaster to v2"):
        registry.check()


def test_two_handlers_of_one_name_are_refused(registry):
    events.handles("lessons.lesson_held", version=2, consumer="register")(nothing)

    with pytest.raises(events.RegistryError, match="Two handlers"):
        events.handles("lessons.lesson_held", version=2, consumer="register")(lambda delivery: None)


def test_two_events_of_one_name_are_refused(registry):
    registry.add_event(lesson_event())

    with pytest.raises(events.RegistryError, match="declared twice"):
        registry.add_event(lesson_event())


def test_an_event_is_named_after_its_app():
    module = ModuleType("apps.canteen.events")
    stray = lesson_event()
    stray.__module__ = module.__name__
    module.LessonMoved = stray

    with pytest.raises(events.RegistryError, match=r"must start “canteen\.”"):
        Registry().add_module(module, "canteen")


def test_a_consumer_is_named_after_its_app_and_function(registry):
    events.handles("lessons.lesson_held", version=2)(nothing)

    assert registry.handler("lessons.lesson_held", "events.nothing").call is nothing


def test_what_a_test_registers_is_gone_afterwards():
    before = registry_in_force()

    with events.isolated_registry() as registry:
        registry.add_event(lesson_event())

    assert registry_in_force() is before
    assert "lessons.lesson_moved" not in before.classes
