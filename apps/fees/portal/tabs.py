"""The pages of fees that belong together."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _


def tabs(active: str) -> list[dict[str, Any]]:
    titles = [
        ("fees", _("Fees"), reverse("fees:fees")),
        ("categories", _("Categories"), reverse("fees:categories")),
        ("runs", _("Billing runs"), reverse("fees:runs")),
        ("invoices", _("Invoices"), reverse("fees:invoices")),
        ("bank", _("Bank lines"), reverse("fees:bank")),
    ]
    return [{"title": title, "url": url, "active": key == active} for key, title, url in titles]
