"""What fees will not let others undo."""

from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.fees.models import Fee, Invoice
from apps.fees.selectors.invoices import students_with_invoices


def invoices_stand(student_ids: list[UUID]) -> list[str]:
    """Why an import of these students cannot be undone: somebody has been billed."""
    count = len(students_with_invoices(student_ids=student_ids))
    if not count:
        return []
    text = ngettext(
        "%(count)d of the students has been billed.",
        "%(count)d of the students have been billed.",
        count,
    )
    return [text % {"count": count}]


def money_is_written() -> str:
    """Why the school's currency stays: fees and invoices are in it."""
    if Invoice.objects.exists():
        return _("Fixed, since invoices are written in it.")
    if Fee.objects.exists():
        return _("Fixed, since there are fees in it.")
    return ""
