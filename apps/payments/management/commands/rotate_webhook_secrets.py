"""manage.py rotate_webhook_secrets: new signing secrets for a school's gateway accounts."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.payments import selectors
from apps.payments.contracts import AccountInfo
from apps.payments.services import webhook_secrets
from apps.tenants import facade as tenants
from kernel.commands import FAILED, Error, PlainCommand
from kernel.errors import DomainError
from kernel.schools import in_school


class Command(PlainCommand):
    help = (
        "Have the gateways make new signing secrets for a school's webhooks, after an incident or "
        "by routine. Messages signed with the old ones are taken for one more day, so none is "
        "lost. Exit code 1 when a gateway did not do it; the old secret stays then."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--school", required=True, metavar="NAME", help="slug or address")
        parser.add_argument("--account", default="", help="one account, by its name (default: all)")

    def run(self, options: dict[str, Any]) -> None:
        school = tenants.find_school(options["school"])
        with in_school(school.schema_name):
            accounts = _chosen(options["account"])
            failed = [account for account in accounts if not self._rotated(account)]
        if failed:
            raise Error(f"{len(failed)} of {len(accounts)} kept the old secret", returncode=FAILED)

    def _rotated(self, account: AccountInfo) -> bool:
        try:
            webhook_secrets.rotate(account_id=account.id, actor="manage.py")
        except DomainError as error:
            self.stderr.write(f"{account.label}: {error}")
            return False
        self.stdout.write(f"{account.label}: there is a new secret.")
        return True


def _chosen(label: str) -> list[AccountInfo]:
    ready = [
        account
        for account in selectors.list_accounts()
        if account.webhook_ready and webhook_secrets.has_secret(account.provider)
    ]
    chosen = [account for account in ready if label in ("", account.label)]
    if not chosen:
        raise Error("There is no such account whose webhook is set up", returncode=2)
    return chosen
