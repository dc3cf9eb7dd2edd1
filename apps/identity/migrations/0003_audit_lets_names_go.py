"""The audit trail stays append-only, with two doors that the database itself keeps narrow.

- A person who is erased: an address or name may become that person's pseudonym ("erased-" and
  twelve hex digits), and nothing else of the entry may change.
- Retention: an entry may be deleted once it is two years old; the rule itself keeps it longer.
"""

from django.db import migrations

NARROW = r"""
CREATE OR REPLACE FUNCTION identity_refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $body$
DECLARE
    pseudonym CONSTANT text := '^erased-[0-9a-f]{12}$';
    same_facts boolean;
    same_detail boolean;
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '2 years' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        same_facts := (NEW.id, NEW.at, NEW.action, NEW.trace_id)
                IS NOT DISTINCT FROM (OLD.id, OLD.at, OLD.action, OLD.trace_id)
            AND (NEW.actor = OLD.actor OR NEW.actor ~ pseudonym)
            AND (NEW.subject = OLD.subject OR NEW.subject ~ pseudonym);
        same_detail := NEW.detail = OLD.detail OR (
            jsonb_typeof(NEW.detail) = 'object' AND jsonb_typeof(OLD.detail) = 'object'
            AND (SELECT count(*) FROM jsonb_object_keys(NEW.detail))
                = (SELECT count(*) FROM jsonb_object_keys(OLD.detail))
            AND NOT EXISTS (
                SELECT FROM jsonb_each(OLD.detail) AS was
                WHERE NEW.detail -> was.key IS DISTINCT FROM was.value
                    AND COALESCE(NEW.detail ->> was.key, '') !~ pseudonym
            )
        );
        IF same_facts AND same_detail THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit entries are append-only';
END
$body$;
"""

STRICT = """
CREATE OR REPLACE FUNCTION identity_refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only';
END
$body$;
"""


class Migration(migrations.Migration):
    dependencies = [("identity", "0002_audit_is_append_only")]

    operations = [migrations.RunSQL(NARROW, STRICT)]
