import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="school",
            name="schema_version",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddField(
            model_name="school",
            name="schema_error",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.CreateModel(
            name="MigrationScript",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("app", models.CharField(blank=True, max_length=255)),
                ("name", models.CharField(max_length=255)),
                ("position", models.IntegerField()),
                ("sql", models.TextField(blank=True)),
                ("replayable", models.BooleanField(default=True)),
                ("records", models.JSONField(default=list)),
                ("version", models.CharField(max_length=32)),
                ("source", models.CharField(max_length=64)),
                ("undo_sql", models.TextField(blank=True, default="")),
                ("undo_replayable", models.BooleanField(default=False)),
                ("undone", models.BooleanField(default=False)),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("app", "name"), name="tenants_script_once"),
                    models.UniqueConstraint(fields=("position",), name="tenants_script_position"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpareSchool",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("schema_version", models.CharField(blank=True, default="", max_length=32)),
                ("schema_error", models.TextField(blank=True, default="")),
                (
                    "made_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={"ordering": ["id"]},
        ),
    ]
