"""Dataclasses to JSON and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import ClassVar
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.jsoncodec import decode, encode, reader, text_reader


@dataclass(frozen=True)
class Line:
    reference: str
    amount_minor: int


@dataclass(frozen=True)
class Sample:
    name: ClassVar[str] = "kernel.sample"
    id: UUID
    at: datetime
    day: date
    lines: tuple[Line, ...] = ()
    tags: list[str] | None = None
    other: UUID | None = None
    paid: bool = False


samples = st.builds(
    Sample,
    id=st.uuids(),
    at=st.datetimes(timezones=st.just(UTC)),
    day=st.dates(),
    lines=st.lists(st.builds(Line, st.text(), st.integers()), max_size=3).map(tuple),
    tags=st.none() | st.lists(st.text(), max_size=3),
    other=st.none() | st.uuids(),
    paid=st.booleans(),
)


@given(samples)
def test_survives_json(sample: Sample) -> None:
    assert decode(Sample, json.loads(json.dumps(encode(sample)))) == sample


@given(samples)
def test_text_is_read_as_values_are(sample: Sample) -> None:
    values = encode(sample)
    assert text_reader(Sample)(json.dumps(values)) == reader(Sample)(values) == sample


def test_half_a_character_is_read_from_text_too() -> None:
    text = json.dumps({"reference": "\ud83d", "amount_minor": 1})

    assert text_reader(Line)(text) == Line("\ud83d", 1)
    with pytest.raises(msgspec.ValidationError, match="amount_minor"):
        text_reader(Line)('{"reference": "a", "amount_minor": null}')


def test_class_attributes_are_not_payload_and_unknown_keys_are_ignored() -> None:
    data = {"id": str(UUID(int=1)), "at": "2026-01-02T03:04:05+00:00", "day": "2026-01-02"}
    sample = decode(Sample, {**data, "from_the_future": 1})
    assert "name" not in encode(sample)
    assert sample.day == date(2026, 1, 2)


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(TypeError):
        decode(Line, {"reference": "a"})


@pytest.mark.parametrize("amount", ["12500", 12500.5, None, True])
def test_a_value_of_another_type_is_an_error(amount: object) -> None:
    with pytest.raises(TypeError, match=r"Line: .*amount_minor"):
        decode(Line, {"reference": "a", "amount_minor": amount})


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        encode(Line("a", 1.5))  # type: ignore[arg-type]
