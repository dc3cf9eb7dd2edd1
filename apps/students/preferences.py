"""What a school can set about how long it keeps people."""

from django.utils.translation import gettext_lazy as _

from apps.students.permissions import ERASE_PERSON
from apps.tenants.facade import Setting, declare, kinds

ERASE_AFTER_YEARS = declare(
    Setting(
        name="privacy.erase_after_years",
        group="privacy",
        kind=kinds.Whole(0, 30, unit=_("years")),
        default=0,
        required=True,
        permission=ERASE_PERSON,
        label=_("Erase families who left"),
        help_text=_(
            "So many years after the last day at the school students and guardians are erased, "
            "unless something is still owed. What the law asks to keep stays. 0: never."
        ),
    )
)
