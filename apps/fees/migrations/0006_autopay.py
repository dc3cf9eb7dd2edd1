"""Automatic payment with a saved card."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0005_refund_parts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Autopay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("guardian_id", models.UUIDField()),
                ("method_id", models.UUIDField()),
                ("card", models.CharField(max_length=40)),
                ("consent_text", models.CharField(max_length=1000)),
                ("consented_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_after", models.DateField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ended_why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("guardian", "Turned off by the guardian"),
                            ("card_gone", "The card is not kept any more"),
                            ("failed", "The card was refused twice"),
                            ("restored", "The school was restored from a backup"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["consented_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("guardian_id",),
                        name="fees_autopay_one",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AutopayCharge",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("on", models.DateField()),
                ("second_try", models.BooleanField(default=False)),
                ("unsent", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("announced", "Announced"),
                            ("charged", "Charged"),
                            ("failed", "Refused"),
                            ("skipped", "Nothing was due"),
                        ],
                        default="announced",
                        max_length=10,
                    ),
                ),
                ("payment_id", models.UUIDField(null=True)),
                ("amount_minor", models.BigIntegerField(default=0)),
                ("refusal", models.CharField(blank=True, default="", max_length=60)),
                ("announced_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "autopay",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="charges",
                        to="fees.autopay",
                    ),
                ),
            ],
            options={
                "ordering": ["on", "announced_at", "id"],
                "indexes": [models.Index(fields=["payment_id"], name="fees_autopay_payment")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "announced")),
                        fields=("autopay",),
                        name="fees_autopay_next_one",
                    )
                ],
            },
        ),
    ]
