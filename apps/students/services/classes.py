"""Adding and renaming classes of the current school year."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.students.models import SchoolClass
from apps.students.services.years import ensure_current_year
from kernel.errors import Conflict, Invalid, NotFound


def create_class(*, name: str) -> UUID:
    """A class of the current school year. Raises Conflict for a name in use."""
    return _save(SchoolClass(year=ensure_current_year()), name)


def rename_class(*, class_id: UUID, name: str) -> UUID:
    """Raises NotFound, Conflict for a name in use."""
    school_class = SchoolClass.objects.filter(pk=class_id).first()
    if school_class is None:
        raise NotFound(_("There is no such class."))
    return _save(school_class, name)


def _save(school_class: SchoolClass, name: str) -> UUID:
    school_class.name = " ".join(name.split())
    if not school_class.name:
        raise Invalid(_("This field is required."), field="name")
    try:
        with transaction.atomic():
            school_class.save()
    except IntegrityError as error:
        message = _("There is a class %s in this school year already.") % school_class.name
        raise Conflict(message, code="class_exists", field="name") from error
    return school_class.id
