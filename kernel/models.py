"""The base of every table that a school has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import models

from kernel.routing import WrongSchool, check_school

__all__ = ["SchoolModel", "WrongSchool"]


class SchoolModel(models.Model):
    """A row of one school. It knows which, and refuses to be written into another one.

    The router (kernel/routing.py) puts the school on every object and checks it in `save`,
    `delete`, `refresh_from_db` and relations. `bulk_create` and `bulk_update` ask the router about
    the table only, so the objects are looked at here.
    """

    class Meta:
        abstract = True

    def _prepare_related_fields_for_save(
        self, operation_name: str, fields: Collection[Any] | None = None
    ) -> None:
        # Django calls this for each object that save, bulk_create or bulk_update is about to
        # write. kernel/tests/test_models.py notices should a new Django not do so.
        check_school(self)
        super()._prepare_related_fields_for_save(operation_name, fields)  # type: ignore[misc]
