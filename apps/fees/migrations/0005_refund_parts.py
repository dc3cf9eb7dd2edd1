"""What a refund is taken from, and credit of money that was captured once more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0004_lost_disputes"),
    ]

    operations = [
        migrations.AddField(
            model_name="refunddecision",
            name="parts",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AlterField(
            model_name="credit",
            name="kind",
            field=models.CharField(
                choices=[
                    ("overpaid", "Paid more than was owed"),
                    ("extra", "Captured once more"),
                    ("used", "Used for an invoice"),
                    ("refund", "Refunded"),
                    ("refund_returned", "Refund that came back"),
                    ("dispute_lost", "Taken back by the payer’s bank"),
                    ("dispute_won", "Given again by the payer’s bank"),
                ],
                max_length=16,
            ),
        ),
    ]
