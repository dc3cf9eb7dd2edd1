import django.db.models.deletion
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0006_paypal_accounts"),
    ]

    operations = [
        migrations.CreateModel(
            name="FraudHold",
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
                ("subject", models.CharField(max_length=80)),
                ("kind", models.CharField(max_length=20)),
                ("seen", models.JSONField(default=dict)),
                ("placed_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("state", models.CharField(default="open", max_length=10)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("decided_by", models.CharField(blank=True, default="", max_length=254)),
                ("decided_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["subject", "-placed_at"], name="payments_hold_subject"),
                    models.Index(fields=["state", "-placed_at"], name="payments_hold_state"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("subject",),
                        name="payments_one_open_hold",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentOrigin",
            fields=[
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="origin",
                        serialize=False,
                        to="payments.payment",
                    ),
                ),
                ("family_id", models.UUIDField()),
                ("source", models.CharField(blank=True, default="", max_length=64)),
                ("started_at", models.DateTimeField()),
                ("declines", models.IntegerField(default=0)),
                ("declined_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["family_id", "started_at"], name="payments_origin_family"),
                    models.Index(
                        condition=models.Q(("declines__gt", 0)),
                        fields=["source", "declined_at"],
                        name="payments_origin_source",
                    ),
                ],
            },
        ),
    ]
