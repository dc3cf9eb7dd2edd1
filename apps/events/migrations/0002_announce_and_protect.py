"""What Django's models cannot say: announcements, their trigger, and an unchangeable history.

The shared parts live in public and are made there only. The triggers are made in every schema
and name what they need in public in full, since a school's search path does not include it.
"""

from django.db import migrations

SHARED = """
DO $migration$
BEGIN
IF current_schema() <> 'public' THEN
    RETURN;
END IF;

CREATE TABLE public.outbox_ready (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id integer NOT NULL,
    lane smallint NOT NULL,
    first_id bigint NOT NULL,
    last_id bigint NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_ready_lane ON public.outbox_ready (tenant_id, lane, first_id);

-- SECURITY DEFINER: a school's own role may not write to public. It runs once a statement, so a
-- bulk insert is one announcement a lane. A plain insert, because writers that update one row
-- "this school has work" would wait for each other.
CREATE FUNCTION public.outbox_announce() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    tenant integer;
BEGIN
    IF TG_TABLE_SCHEMA = 'public' THEN
        tenant := 0;
    ELSIF TG_TABLE_SCHEMA ~ '^t_[0-9]+$' THEN
        tenant := substring(TG_TABLE_SCHEMA FROM 3)::integer;
    ELSE
        RAISE EXCEPTION 'schema % is neither public nor a school: its events would be lost',
            TG_TABLE_SCHEMA;
    END IF;
    INSERT INTO public.outbox_ready (tenant_id, lane, first_id, last_id)
        SELECT tenant, lane, min(id), max(id) FROM fresh GROUP BY lane;
    RETURN NULL;
END
$body$;

CREATE FUNCTION public.stored_event_is_immutable() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION 'stored_event is history: % is refused, append a correcting event', TG_OP
        USING ERRCODE = 'restrict_violation';
END
$body$;
END
$migration$;
"""

ANNOUNCE = """
CREATE TRIGGER outbox_event_announce AFTER INSERT ON outbox_event
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION public.outbox_announce();
"""

# Schools only: no aggregate lives in public, and a test runner empties public's tables.
IMMUTABLE = """
DO $migration$
BEGIN
IF current_schema() <> 'public' THEN
    CREATE TRIGGER stored_event_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_event
        FOR EACH STATEMENT EXECUTE FUNCTION public.stored_event_is_immutable();
END IF;
END
$migration$;
"""

UNDO_SHARED = """
DO $migration$
BEGIN
IF current_schema() = 'public' THEN
    DROP FUNCTION public.outbox_announce();
    DROP FUNCTION public.stored_event_is_immutable();
    DROP TABLE public.outbox_ready;
END IF;
END
$migration$;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]

    operations = [
        migrations.RunSQL(SHARED, UNDO_SHARED),
        migrations.RunSQL(ANNOUNCE, "DROP TRIGGER outbox_event_announce ON outbox_event;"),
        migrations.RunSQL(
            IMMUTABLE, "DROP TRIGGER IF EXISTS stored_event_immutable ON stored_event;"
        ),
    ]
