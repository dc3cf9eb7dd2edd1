"""What payers add for the cost of processing: a book of its own, as append-only as the others."""

import django.utils.timezone
from django.db import migrations, models

import kernel.ids

KEEP = (
    "CREATE TRIGGER fees_cover_append_only BEFORE UPDATE OR DELETE ON fees_cover "
    "FOR EACH ROW EXECUTE FUNCTION fees_refuse_change();"
)


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0008_autopay_ended_by_account"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cover",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("payment_id", models.UUIDField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("payment", "Payment"),
                            ("refund", "Refunded"),
                            ("refund_returned", "Refund that came back"),
                            ("dispute_lost", "Taken back by the payer’s bank"),
                            ("dispute_won", "Given again by the payer’s bank"),
                        ],
                        max_length=16,
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("source_id", models.UUIDField()),
                ("booked_on", models.DateField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["created_at", "id"],
                "indexes": [models.Index(fields=["booked_on"], name="fees_cover_booked")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor", 0), _negated=True),
                        name="fees_cover_not_zero",
                    ),
                    models.UniqueConstraint(
                        fields=("payment_id", "kind", "source_id"), name="fees_cover_once"
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEEP, "DROP TRIGGER fees_cover_append_only ON fees_cover;"),
    ]
