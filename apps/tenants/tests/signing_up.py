"""The form that asks for a school, and what comes of it: a request and a mail."""

from __future__ import annotations

import re
from typing import Any

from apps.tenants.models import SignUp
from kernel.schools import in_public

START, SENT = "/start/", "/start/sent/"
FORM = {
    "plan_code": "basic",
    "school_name": "Riverside School",
    "slug": "",
    "admin_name": "Jo Lee",
    "admin_email": "jo@example.org",
    "currency": "USD",
    "language": "en",
    "time_zone": "America/Chicago",
    "website": "",
}


def path_in(mail: Any) -> str:
    found = re.search(r"http://testserver(/start/confirm/\S+)", mail.body)
    assert found is not None, mail.body
    return found[1]


def the_request(slug: str = "riverside-school") -> SignUp:
    with in_public():
        return SignUp.objects.filter(slug=slug).order_by("-created_at")[0]
