import django.utils.timezone
from django.db import migrations, models

import kernel.ids

STATES = [("running", "Being taken"), ("done", "Taken"), ("failed", "Failed")]
PURPOSES = [("candidate", "Being restored"), ("kept", "Replaced by a restore")]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_plans")]

    operations = [
        migrations.CreateModel(
            name="Backup",
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
                ("school_name", models.CharField(max_length=120)),
                ("key", models.CharField(blank=True, default="", max_length=300)),
                ("state", models.CharField(choices=STATES, default="running", max_length=8)),
                ("size", models.BigIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("rows", models.BigIntegerField(default=0)),
                ("files", models.IntegerField(default=0)),
                ("totals", models.JSONField(default=dict)),
                ("encrypted", models.BooleanField(default=False)),
                ("activity", models.CharField(blank=True, default="", max_length=64)),
                ("taken_by", models.CharField(blank=True, default="", max_length=254)),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("taken_at", models.DateTimeField(null=True)),
                ("unchanged_at", models.DateTimeField(null=True)),
                ("verified_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("pinned", models.BooleanField(default=False)),
                ("error", models.CharField(blank=True, default="", max_length=500)),
            ],
            options={
                "ordering": ["-started_at"],
                "indexes": [
                    models.Index(fields=["school_id", "-started_at"], name="tenants_backup_school")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("key",),
                        name="tenants_backup_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SideSchema",
            fields=[
                (
                    "schema_name",
                    models.CharField(max_length=63, primary_key=True, serialize=False),
                ),
                ("school_id", models.BigIntegerField(null=True)),
                ("purpose", models.CharField(choices=PURPOSES, max_length=10)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("drop_after", models.DateTimeField()),
            ],
            options={"ordering": ["made_at"]},
        ),
    ]
