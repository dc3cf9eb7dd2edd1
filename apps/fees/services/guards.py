"""What fees will not let others undo."""

from uuid import UUID

from django.utils.translation import ngettext

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
