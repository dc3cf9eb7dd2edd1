"""The database itself refuses to change or delete an audit entry."""

from django.db import migrations

FORBID = """
CREATE FUNCTION identity_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only';
END
$body$;
CREATE TRIGGER identity_audit_append_only
    BEFORE UPDATE OR DELETE ON identity_auditentry
    FOR EACH ROW EXECUTE FUNCTION identity_refuse_audit_change();
"""

ALLOW = """
DROP TRIGGER identity_audit_append_only ON identity_auditentry;
DROP FUNCTION identity_refuse_audit_change();
"""


class Migration(migrations.Migration):
    dependencies = [("identity", "0001_initial")]

    operations = [migrations.RunSQL(FORBID, ALLOW)]
