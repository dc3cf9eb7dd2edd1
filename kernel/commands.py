"""Commands for operators: bad input is one line on stderr and exit code 2, a failure code 1."""

from __future__ import annotations

from argparse import _SubParsersAction
from typing import Any, NoReturn

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from kernel.acting import acting, part
from kernel.errors import DomainError, Unavailable

BAD_INPUT, FAILED = 2, 1


class Error(CommandError):
    """Django prints the class name in front of the message: "Error: …"."""


class PlainParser(CommandParser):
    def error(self, message: str) -> NoReturn:
        """argparse's own, without its lines of usage."""
        if not self.called_from_command_line:
            raise Error(message, returncode=BAD_INPUT)
        self.exit(BAD_INPUT, f"Error: {message}. Try {self.prog} --help\n")


def _make_plain(parser: CommandParser) -> None:
    """Django makes the parser, and those of its subcommands, of a class of its own."""
    parser.__class__ = PlainParser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for subcommand in action.choices.values():
                _make_plain(subcommand)


class PlainCommand(BaseCommand):
    """Subclasses write `run`, which may raise DomainErrors."""

    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        _make_plain(parser)
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        name = type(self).__module__.rpartition(".")[2]
        try:
            with acting(part(f"manage.py {name}")):
                self.run(options)
        except DomainError as error:
            code = FAILED if isinstance(error, Unavailable) else BAD_INPUT
            raise Error(str(error), returncode=code) from error
        except (DatabaseError, psycopg.Error) as error:
            first = str(error).strip().split("\n")[0]
            hint = "Are the tables there? Run manage.py migrate_schools"
            raise Error(f"The database says: {first}. {hint}", returncode=FAILED) from error

    def run(self, options: dict[str, Any]) -> None:
        raise AssertionError("a command writes its own run()")
