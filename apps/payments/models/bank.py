"""Bank statements: what was imported, its lines, and what each line was found to be."""

from __future__ import annotations

from django.db import models

from kernel.ids import uuid7
from kernel.models import SchoolModel


class BankStatement(SchoolModel):
    """One uploaded file. Until it is imported or discarded its bytes are kept, so that it can be
    read again with other columns; nothing of it counts before that."""

    PREVIEW, IMPORTED, DISCARDED = "preview", "imported", "discarded"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file_name = models.CharField(max_length=200)
    format = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField(default=b"")
    account_ref = models.CharField(max_length=60)
    # What the file itself says (CAMT.053); once imported it is the account's.
    iban = models.CharField(max_length=60, blank=True, default="", db_default="")
    # How a CSV file is read (services/bank/csv_file.py)
    layout = models.JSONField(default=dict)
    state = models.CharField(max_length=10, default=PREVIEW)
    uploaded_by = models.CharField(max_length=254, blank=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    imported_at = models.DateTimeField(null=True)
    line_count = models.IntegerField(default=0)
    known_count = models.IntegerField(default=0)
    bad_count = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["-uploaded_at", "-id"], name="payments_statement_newest")]

    def __str__(self) -> str:
        return f"{self.file_name}: {self.state}"


class StatementLine(SchoolModel):
    """One booked entry of the school's bank account. Amounts: minor units, below zero when money
    left. `fingerprint` finds the same entry in another file that overlaps."""

    OPEN, MATCHED, IGNORED = "open", "matched", "ignored"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    statement = models.ForeignKey(BankStatement, models.PROTECT, related_name="lines")
    account_ref = models.CharField(max_length=60)
    fingerprint = models.CharField(max_length=64)
    booked_on = models.DateField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=200, blank=True)
    text = models.CharField(max_length=500, blank=True)
    reference = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, default=OPEN)
    reason = models.CharField(max_length=300, blank=True)
    decided_by = models.CharField(max_length=254, blank=True)
    decided_at = models.DateTimeField(null=True)
    # What is being recorded for it: written before anything is, so that it is never done twice.
    plan = models.JSONField(null=True)
    # How often it has been matched and undone: part of the keys under which payments are recorded.
    attempt = models.IntegerField(default=0)

    class Meta:
        ordering = ["-booked_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account_ref", "fingerprint"], name="payments_bank_line_once"
            )
        ]
        indexes = [models.Index(fields=["state", "-booked_on"], name="payments_bank_line_state")]

    def __str__(self) -> str:
        return f"{self.booked_on}: {self.amount_minor} {self.currency}"


class LineTie(SchoolModel):
    """What a bank line is: a payout, a payment made of it, one that was recorded before, or the
    reversal of one. Never deleted: an undone tie says when and by whom."""

    PAYOUT, PAYMENT, RECORDED, REVERSAL = "payout", "payment", "recorded", "reversal"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    line = models.ForeignKey(StatementLine, models.PROTECT, related_name="ties")
    kind = models.CharField(max_length=10)
    payout = models.ForeignKey(
        "payments.Payout", models.PROTECT, null=True, related_name="bank_ties"
    )
    payment = models.ForeignKey(
        "payments.Payment", models.PROTECT, null=True, related_name="bank_ties"
    )
    amount_minor = models.BigIntegerField()
    tied_by = models.CharField(max_length=254, blank=True)
    tied_at = models.DateTimeField(auto_now_add=True)
    undone_by = models.CharField(max_length=254, blank=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "payment", "kind"],
                condition=models.Q(undone_at=None, payment__isnull=False),
                name="payments_tie_once",
            ),
            # One bank line is one payout, and one payout arrives once.
            models.UniqueConstraint(
                fields=["payout"], condition=models.Q(undone_at=None), name="payments_payout_tied"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.amount_minor}"
