"""A statement says of which IBAN it is. Files of before were called by it."""

from django.db import migrations, models

# SQL, not Python: schools that are made or restored replay it with the rest, in one piece.
NAME_OF_BEFORE = """
UPDATE payments_bankstatement SET iban = account_ref
    WHERE format = 'camt053' AND iban = '' AND account_ref <> 'main'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0010_saved_methods"),
    ]

    operations = [
        migrations.AddField(
            model_name="bankstatement",
            name="iban",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
        migrations.RunSQL(NAME_OF_BEFORE, migrations.RunSQL.noop),
    ]
