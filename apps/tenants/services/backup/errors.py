"""What may be wrong with a backup. The texts are for people."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kernel.errors import Conflict, Unavailable


class Damaged(Unavailable):
    """The backup is not what was written: cut short, changed, or no backup at all."""

    def __init__(self, what: str) -> None:
        message = _("This backup is damaged: %(what)s.") % {"what": what}
        super().__init__(message, code="backup_damaged")


class WrongKey(Unavailable):
    """The backup is encrypted with a key that this installation does not have."""

    def __init__(self, key_id: str) -> None:
        message = _(
            "This backup is encrypted with the key %(key)s, which is not in BACKUP_ENCRYPTION_KEY."
        ) % {"key": key_id}
        super().__init__(message, code="backup_key")


class Incomparable(Unavailable):
    """What was restored is not what was backed up. Nothing was put in its place."""

    def __init__(self, what: str) -> None:
        message = _("The restored school differs from its backup: %(what)s.") % {"what": what}
        super().__init__(message, code="backup_differs")


class Newer(Conflict):
    """The backup was taken by a later version of Homeroom."""


class Busy(Conflict):
    """Somebody else works on the tables of this school."""

    def __init__(self) -> None:
        message = _("Another backup, restore, migration or deletion works on this school just now.")
        super().__init__(message, code="school_busy")
