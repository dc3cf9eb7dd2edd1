"""The database itself refuses to change a posted line."""

from django.db import migrations

TABLES = ("fees_charge", "fees_allocation", "fees_credit")

REFUSE = """
CREATE FUNCTION fees_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed: post a contra entry instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$body$;
"""


def _trigger(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION fees_refuse_change();"
    )


def _drop(table: str) -> str:
    return f"DROP TRIGGER {table}_append_only ON {table};"


class Migration(migrations.Migration):
    dependencies = [("fees", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION fees_refuse_change();"),
        *[migrations.RunSQL(_trigger(table), _drop(table)) for table in TABLES],
    ]
