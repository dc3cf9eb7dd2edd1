"""/design/ on the platform's host of a developer's machine: every component, live."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from kernel.access import PUBLIC, access

SHELLS = ("platform", "portal", "family", "site", "account")


class SampleForm(forms.Form):
    """One field of each kind, filled so that one of them is wrong."""

    name = forms.CharField(label="Full name", help_text="As on the passport.")
    email = forms.EmailField(label="E-mail")
    phone = forms.CharField(label="Phone", required=False)
    amount = forms.DecimalField(label="Amount", help_text="In dollars and cents.")
    role = forms.ChoiceField(label="Role", choices=[("b", "Bursar"), ("o", "Office")])
    due = forms.DateField(label="Due on", widget=forms.DateInput(attrs={"type": "date"}))
    classes = forms.MultipleChoiceField(
        label="Classes",
        choices=[(str(n), f"Grade {n}") for n in range(1, 7)],
        widget=forms.CheckboxSelectMultiple,
    )
    when = forms.ChoiceField(
        label="When to send",
        choices=[("now", "At once"), ("later", "Tomorrow at 8:00")],
        widget=forms.RadioSelect,
    )
    terms = forms.BooleanField(label="Send each family one e-mail", help_text="For all children.")
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    families = forms.FileField(label="Families file", help_text="CSV, at most 10 MB.")


@access(PUBLIC)
def page(request: HttpRequest) -> HttpResponse:
    """The gallery; ?shell= shows the frame of another kind of page around it."""
    shell = request.GET.get("shell", "portal")
    shell = shell if shell in SHELLS else "portal"
    return render(request, "components/gallery.html", _context(request, shell))


def _context(request: HttpRequest, shell: str) -> dict[str, Any]:
    return {
        "shell_template": f"{shell}/base.html",
        "shells": [
            {"title": name, "url": f"?shell={name}", "active": name == shell} for name in SHELLS
        ],
        "school": SimpleNamespace(name="Lincoln Elementary School", colour="#1f5f8b"),
        "form": SampleForm(
            {"name": "Ana Pérez", "email": "not an address", "amount": "120.50", "classes": ["2"]}
        ),
        "page": Paginator(range(240), 25).get_page(request.GET.get("page", "4")),
        "steps": ["Choose", "Preview", "Post"],
        "bars": [
            {"label": "Tuition", "value": 82, "text": "$82,000"},
            {"label": "Meals", "value": 31, "text": "$31,400"},
            {"label": "Trips", "value": 9, "text": "$9,250"},
        ],
        "soon": timezone.now() + timedelta(days=3),
        "rows": SAMPLE_ROWS,
        "icons": re.findall(r'id="([a-z-]+)"', ICON_SPRITE.read_text()),
    }


SAMPLE_ROWS = (
    {"name": "Mia Johnson", "class": "Grade 2", "owed": 64000, "tone": "bad", "state": "Overdue"},
    {"name": "Noah García", "class": "Grade 5", "owed": 12050, "tone": "warn", "state": "Due soon"},
    {"name": "Olivia Chen", "class": "Grade 1", "owed": 0, "tone": "ok", "state": "Paid"},
)
ICON_SPRITE = Path(__file__).resolve().parents[2] / "static" / "icons.svg"
