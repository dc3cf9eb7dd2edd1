"""Names of files no longer hold the school's folder: kernel.files adds that of the open school.

The files themselves stay where they are.
"""

from django.db import migrations

SHORTEN = """
UPDATE website_document SET file = regexp_replace(file, '^t_[0-9]{6,}/', '')
WHERE file ~ '^t_[0-9]{6,}/'
"""


class Migration(migrations.Migration):
    dependencies = [("website", "0001_initial")]

    operations: list[migrations.operations.base.Operation] = [
        migrations.RunSQL(SHORTEN, migrations.RunSQL.noop)
    ]
