"""Disputes of captures, and what they take from a payment; older code inserts without them."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0002_account_care"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="disputed_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="lost_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("provider_dispute_id", models.CharField(max_length=255)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("status", models.CharField(max_length=20)),
                ("counts", models.BooleanField(default=True)),
                ("reason", models.CharField(blank=True, max_length=100)),
                ("due_by", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="payments.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["opened_at", "id"],
                "indexes": [models.Index(fields=["status", "due_by"], name="payments_dispute_due")],
            },
        ),
    ]
