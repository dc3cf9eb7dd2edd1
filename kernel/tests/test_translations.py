"""The shipped catalogues: nothing untranslated, nothing that would break a sentence at run time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.conf import settings

LOCALES = Path(settings.BASE_DIR) / "locale"
TRANSLATED = sorted(code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE)

# %(name)s, %(number).1f, %s, %d, {name} and the tags of blocktranslate texts.
PLACEHOLDER = re.compile(r"%\(\w+\)[-+0 #\d.]*[a-z]|%[sdrf%]|\{\w*\}|</?\w+[^>]*>")


def _catalogue(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "django.po").open("rb") as source:
        return read_po(source, locale=language)


def _entries(language: str) -> list[Message]:
    return [entry for entry in _catalogue(language) if entry.id]


def _originals(entry: Message) -> tuple[str, ...]:
    return tuple(entry.id) if isinstance(entry.id, list | tuple) else (entry.id,)


def _translations(entry: Message) -> tuple[str, ...]:
    texts = entry.string
    return tuple(texts) if isinstance(texts, list | tuple) else (texts or "",)


def _pairs(entry: Message) -> Iterator[tuple[str, str]]:
    """Each translation with the original whose placeholders it must hold."""
    originals = _originals(entry)
    for place, translation in enumerate(_translations(entry)):
        yield originals[min(place, len(originals) - 1)], translation


@pytest.fixture(params=TRANSLATED)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_language_but_the_source_has_a_catalogue() -> None:
    assert TRANSLATED == ["es"]
    assert len(_entries("es")) > 1000


def test_nothing_is_left_untranslated(language: str) -> None:
    empty = [_originals(e)[0] for e in _entries(language) if not all(_translations(e))]

    assert empty == []


def test_nothing_is_only_guessed(language: str) -> None:
    fuzzy = [_originals(entry)[0] for entry in _entries(language) if entry.fuzzy]

    assert fuzzy == []


def test_nothing_obsolete_is_kept(language: str) -> None:
    assert list(_catalogue(language).obsolete) == []


def test_a_plural_has_as_many_forms_as_the_language(language: str) -> None:
    forms = _catalogue(language).num_plurals
    wrong = [
        entry.id
        for entry in _entries(language)
        if isinstance(entry.id, tuple) and len(_translations(entry)) != forms
    ]

    assert forms == 2
    assert wrong == []


def test_placeholders_survive_translation(language: str) -> None:
    broken = [
        (original, translation)
        for entry in _entries(language)
        for original, translation in _pairs(entry)
        if sorted(PLACEHOLDER.findall(original)) != sorted(PLACEHOLDER.findall(translation))
    ]

    assert broken == []


def test_spaces_and_line_breaks_at_the_edges_survive(language: str) -> None:
    def edges(text: str) -> tuple[str, str]:
        return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]

    moved = [
        original
        for entry in _entries(language)
        for original, translation in _pairs(entry)
        if edges(original) != edges(translation)
    ]

    assert moved == []


def test_the_catalogue_compiles(language: str) -> None:
    compiled = BytesIO()

    write_mo(compiled, _catalogue(language))
    compiled.seek(0)

    assert len([m for m in read_mo(compiled) if m.id]) == len(_entries(language))


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("Sign in", "Iniciar sesión"),
        ("Waiting list", "Lista de espera"),
        ("Invoice", "Factura"),
        ("Receipt", "Recibo"),
        ("Guardians", "Familiares"),
        ("Students", "Estudiantes"),
        ("Fees", "Cuotas"),
    ],
)
def test_the_words_of_the_school_stay_the_same(english: str, spanish: str) -> None:
    """The glossary at the head of the catalogue, kept where people see it most."""
    entry = _catalogue("es").get(english)

    assert entry is not None
    assert entry.string == spanish
