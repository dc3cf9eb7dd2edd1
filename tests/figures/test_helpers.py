"""What the figures of `make bench` rest on: a figure that lied would be worse than none."""

from __future__ import annotations

import os

import pytest

from benchmarks import __main__ as run
from benchmarks.harness import Skipped
from benchmarks.notes import note, noted
from benchmarks.writers import rate


def test_every_writer_counts_and_starts_with_its_own_number(tmp_path):
    def make(number):
        (tmp_path / f"{number}-{os.getpid()}").touch()
        return lambda: None

    assert rate(make, seconds=0.05, processes=3) > 0
    started = [path.name.split("-") for path in tmp_path.iterdir()]
    assert sorted(number for number, _ in started) == ["0", "1", "2"]
    assert len({pid for _, pid in started}) == 3


def test_a_writer_that_fails_fails_the_figure(capfd):
    def make(number):
        def work():
            if number == 1:
                raise ZeroDivisionError("the disk is full")

        return work

    with pytest.raises(RuntimeError, match="a writer failed"):
        rate(make, seconds=0.05, processes=2)

    assert "the disk is full" in capfd.readouterr().err


def test_a_line_that_is_being_written_does_not_count_yet(tmp_path):
    path = tmp_path / "notes"
    assert noted(path) == {}
    note(path, 7)
    with path.open("a") as file:
        file.write("8 123.4")

    assert noted(path).keys() == {7}


def test_a_missing_peer_skips_its_figure_and_fails_nothing(monkeypatch, capsys):
    def measured(name):
        raise Skipped("its peer is not installed")

    monkeypatch.setattr(run, "_measured", measured)
    failed = []

    assert run._tried("figure_something", failed) == []
    assert failed == []
    assert capsys.readouterr().out == "something: SKIPPED, its peer is not installed\n"
