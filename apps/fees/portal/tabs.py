"""The pages of fees that belong together."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.fees.selectors.losses import count_waiting


def tabs(active: str) -> list[dict[str, Any]]:
    titles = [
        ("fees", _("Fees"), reverse("fees:fees")),
        ("categories", _("Categories"), reverse("fees:categories")),
        ("runs", _("Billing runs"), reverse("fees:runs")),
        ("invoices", _("Invoices"), reverse("fees:invoices")),
        ("bank", _("Bank lines"), reverse("fees:bank")),
    ]
    shown: list[dict[str, Any]] = [
        {"title": title, "url": url, "active": key == active, "count": None}
        for key, title, url in titles
    ]
    waiting = count_waiting()
    if waiting or active == "losses":
        shown.append(
            {
                "title": _("Lost disputes"),
                "url": reverse("fees:losses"),
                "active": active == "losses",
                "count": waiting,
            }
        )
    return shown
