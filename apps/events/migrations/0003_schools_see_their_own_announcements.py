"""A school's role reads and writes only its own rows of public.outbox_ready.

It needs the table for its retries and deliveries; which rows are its own, PostgreSQL reads from
the name of the role. On the platform the app works as the login itself and sees all of them, and
so does the owner, as whom the trigger of announcements runs.
"""

from django.db import migrations

PROTECT = """
DO $migration$
BEGIN
IF current_schema() = 'public' THEN
    ALTER TABLE public.outbox_ready ENABLE ROW LEVEL SECURITY;
    CREATE POLICY outbox_ready_of_school ON public.outbox_ready USING (
        current_user = session_user
        OR tenant_id = substring(current_user::text FROM '^t_([0-9]+)$')::integer);
END IF;
END
$migration$;
"""

UNDO = """
DO $migration$
BEGIN
IF current_schema() = 'public' THEN
    DROP POLICY outbox_ready_of_school ON public.outbox_ready;
    ALTER TABLE public.outbox_ready DISABLE ROW LEVEL SECURITY;
END IF;
END
$migration$;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0002_announce_and_protect")]

    operations = [migrations.RunSQL(PROTECT, UNDO)]
