"""The room that the school's documents take up."""

from datetime import datetime

from apps.tenants import facade as tenants
from apps.website import facade as website


@tenants.meter("storage_bytes")
def documents(begins: datetime, ends: datetime) -> int:
    """Bytes of the documents that were there before the month's end and still are."""
    return website.documents_bytes(before=ends)
