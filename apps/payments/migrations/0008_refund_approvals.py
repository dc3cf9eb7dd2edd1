"""Refunds above the limit that wait for a second person."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0007_odd_attempts"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefundApproval",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("idempotency_key", models.CharField(max_length=200)),
                ("state", models.CharField(default="waiting", max_length=10)),
                ("requested_by", models.CharField(max_length=200)),
                ("requested_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("decided_by", models.CharField(blank=True, default="", max_length=200)),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, default="", max_length=300)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="payments.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["requested_at", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["expires_at"],
                        name="payments_approval_waiting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("idempotency_key",), name="payments_approval_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)),
                        name="payments_approval_positive",
                    ),
                ],
            },
        ),
    ]
