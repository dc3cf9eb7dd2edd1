"""Settings of a school, their history, and the word that goes out when a school changes.

Each process keeps the schools it met in memory (apps/tenants/hosts.py). The triggers tell all of
them, on every machine, at the commit of whatever changed a school or a domain: a service, a
command, or an operator's SQL. What says nothing about how a school behaves is not worth a word:
`schema_version` changes for a thousand schools in a row.
"""

import django.utils.timezone
from django.db import migrations, models

import kernel.ids

TELL = """
CREATE FUNCTION tenants_tell_of_schools() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
    PERFORM pg_catalog.pg_notify('homeroom_schools', '');
    RETURN NULL;
END
$body$;

CREATE TRIGGER tenants_school_changed AFTER UPDATE ON tenants_school FOR EACH ROW
WHEN (to_jsonb(OLD) - 'schema_version' IS DISTINCT FROM to_jsonb(NEW) - 'schema_version')
EXECUTE FUNCTION tenants_tell_of_schools();

CREATE TRIGGER tenants_school_came_or_went AFTER INSERT OR DELETE ON tenants_school
FOR EACH STATEMENT EXECUTE FUNCTION tenants_tell_of_schools();

CREATE TRIGGER tenants_domain_changed AFTER INSERT OR UPDATE OR DELETE ON tenants_domain
FOR EACH STATEMENT EXECUTE FUNCTION tenants_tell_of_schools();
"""
BE_SILENT = """
DROP TRIGGER tenants_domain_changed ON tenants_domain;
DROP TRIGGER tenants_school_came_or_went ON tenants_school;
DROP TRIGGER tenants_school_changed ON tenants_school;
DROP FUNCTION tenants_tell_of_schools();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_lifecycle")]

    operations: list[migrations.operations.base.Operation] = [
        migrations.AddField(
            model_name="school",
            name="settings",
            field=models.JSONField(
                default=dict, db_default=models.Value({}, output_field=models.JSONField())
            ),
        ),
        migrations.CreateModel(
            name="SettingChange",
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
                ("setting", models.CharField(max_length=64)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("actor", models.CharField(blank=True, default="", max_length=254)),
                ("at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["-at", "-id"],
                "indexes": [
                    models.Index(fields=["school_id", "-at"], name="tenants_setting_school")
                ],
            },
        ),
        migrations.RunSQL(TELL, BE_SILENT),
    ]
