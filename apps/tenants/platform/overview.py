"""The operator console's first page: how many schools, what is under way, what went wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.tenants import selectors
from apps.tenants.models import Operation, School
from apps.tenants.platform.shared import TONES, operation_row
from kernel.access import OPERATOR, access

SHOWN = 8


@access(OPERATOR)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    under_way = list(selectors.open_operations()[:SHOWN])
    failed = list(selectors.list_operations(state=Operation.State.FAILED)[:SHOWN])
    leaving = list(selectors.search_schools(status=School.Status.DELETING)[:SHOWN])
    ids = {row.school_id for row in [*under_way, *failed] if row.school_id}
    names = selectors.school_names(school_ids=ids)
    counts = selectors.count_by_status()
    context = {
        "stats": _stats(counts),
        "total": sum(counts.values()),
        "under_way": [operation_row(row, names) for row in under_way],
        "failed": [operation_row(row, names) for row in failed],
        "leaving": sorted(leaving, key=lambda school: (school.delete_after is None, school.id)),
        "deleted": list(selectors.list_deleted()[:SHOWN]),
    }
    return render(request, "platform/overview.html", context)


def _stats(counts: dict[str, int]) -> list[dict[str, Any]]:
    here = reverse("platform:schools")
    return [
        {"label": state.label, "value": counts.get(state, 0), "url": f"{here}?status={state}"}
        for state in TONES
    ]
