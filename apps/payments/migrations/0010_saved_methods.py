"""Cards that a gateway keeps for a payer."""

import django.db.models.deletion
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0009_refunds_of_unbooked"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedMethod",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("payer_id", models.UUIDField()),
                ("consent_text", models.CharField(max_length=1000)),
                ("consented_at", models.DateTimeField()),
                ("customer_id", models.CharField(blank=True, default="", max_length=255)),
                ("method_id", models.CharField(blank=True, default="", max_length=255)),
                ("brand", models.CharField(blank=True, default="", max_length=20)),
                ("last4", models.CharField(blank=True, default="", max_length=4)),
                ("exp_month", models.SmallIntegerField(default=0)),
                ("exp_year", models.SmallIntegerField(default=0)),
                ("kept_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="methods",
                        to="payments.gatewayaccount",
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="saved_method",
                        to="payments.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["consented_at", "id"],
                "indexes": [models.Index(fields=["payer_id"], name="payments_method_payer")],
            },
        ),
    ]
