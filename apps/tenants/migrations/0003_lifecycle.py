import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

import kernel.ids


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_schemas")]

    operations = [
        migrations.CreateModel(
            name="DeletedSchool",
            fields=[
                ("school_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("schema_name", models.CharField(max_length=63)),
                ("slug", models.CharField(max_length=63)),
                ("name", models.CharField(max_length=120)),
                ("domains", models.JSONField(default=list)),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
                ("requested_by", models.CharField(max_length=254)),
                ("export", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"ordering": ["-deleted_at"]},
        ),
        migrations.CreateModel(
            name="DueWork",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("school_id", models.BigIntegerField()),
                ("task", models.CharField(max_length=60)),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["due_at"], name="tenants_duework_due"),
                    models.Index(fields=["school_id", "task"], name="tenants_duework_school"),
                ]
            },
        ),
        migrations.CreateModel(
            name="Operation",
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
                ("kind", models.CharField(max_length=40)),
                ("school_id", models.BigIntegerField(blank=True, null=True)),
                ("actor", models.CharField(max_length=254)),
                ("parameters", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("done", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(default=0)),
                ("note", models.CharField(blank=True, default="", max_length=200)),
                ("result", models.TextField(blank=True, default="")),
                ("error", models.TextField(blank=True, default="")),
                ("attempts", models.SmallIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["school_id", "-id"], name="tenants_operation_school"),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=["id"],
                        name="tenants_operation_open",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="domain",
            name="added_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                default=django.utils.timezone.now,
                editable=False,
            ),
        ),
        migrations.AddField(
            model_name="domain",
            name="challenge",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="school",
            name="delete_after",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="school",
            name="export_operation",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="school",
            name="status_before",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="school",
            name="status_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="school",
            name="status_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="school",
            name="status",
            field=models.CharField(
                choices=[
                    ("provisioning", "Being set up"),
                    ("active", "Active"),
                    ("suspended", "Suspended"),
                    ("archived", "Archived"),
                    ("deleting", "Being deleted"),
                ],
                default="provisioning",
                max_length=16,
            ),
        ),
    ]
