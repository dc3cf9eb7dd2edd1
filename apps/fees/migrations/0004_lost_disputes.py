"""Payments that a bank took back, and the kinds of rows that book them."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0003_category_account"),
    ]

    operations = [
        migrations.AlterField(
            model_name="allocation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("payment", "Payment"),
                    ("credit_used", "Credit used"),
                    ("refund", "Refund"),
                    ("refund_returned", "Refund that came back"),
                    ("dispute_lost", "Taken back by the payer’s bank"),
                    ("dispute_won", "Given again by the payer’s bank"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="credit",
            name="kind",
            field=models.CharField(
                choices=[
                    ("overpaid", "Paid more than was owed"),
                    ("used", "Used for an invoice"),
                    ("refund", "Refunded"),
                    ("refund_returned", "Refund that came back"),
                    ("dispute_lost", "Taken back by the payer’s bank"),
                    ("dispute_won", "Given again by the payer’s bank"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="DisputeLoss",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("payment_id", models.UUIDField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waits for a decision"),
                            ("owed", "The family pays again"),
                            ("waived", "The school bears it"),
                            ("returned", "The money came back"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("decided_by", models.CharField(blank=True, max_length=254)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [
                    models.Index(fields=["payment_id"], name="fees_dispute_payment"),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["created_at"],
                        name="fees_dispute_waiting",
                    ),
                ],
            },
        ),
    ]
