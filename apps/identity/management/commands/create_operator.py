"""manage.py create_operator --email … --name … [--password-stdin]"""

import sys
from argparse import ArgumentParser
from typing import Any

from apps.identity.services import operators
from kernel.commands import PlainCommand
from kernel.schools import in_public


class Command(PlainCommand):
    help = (
        "Creates an account for somebody who runs the platform. Without --password-stdin it "
        "prints a one-time link to set the password. Exit code 2: nothing was created."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from standard input, so that no shell history keeps it",
        )

    def run(self, options: dict[str, Any]) -> None:
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else None
        with in_public():
            operator = operators.create_operator(
                email=options["email"], name=options["name"], password=password
            )
        self.stdout.write(f"Operator {operator.email} created.")
        if operator.link:
            self.stdout.write(f"To set the password, open once within 7 days:\n{operator.link}")
