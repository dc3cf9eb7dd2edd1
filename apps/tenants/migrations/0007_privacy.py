import django.utils.timezone
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_backups")]

    operations = [
        migrations.CreateModel(
            name="Erasure",
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
                ("school_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("person_ids", models.JSONField(default=list)),
                ("fingerprints", models.JSONField(default=list)),
                (
                    "at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("actor", models.CharField(max_length=254)),
                ("reason", models.CharField(max_length=300)),
                ("gone", models.JSONField(default=list)),
                ("kept", models.JSONField(default=list)),
            ],
            options={
                "ordering": ["-at"],
                "indexes": [
                    models.Index(fields=["school_id", "at"], name="tenants_erasure_school")
                ],
            },
        ),
    ]
