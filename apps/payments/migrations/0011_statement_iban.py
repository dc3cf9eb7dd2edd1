"""A statement says of which IBAN it is. Files of before were called by it."""

from django.db import migrations, models


def name_of_before(apps, _editor):
    rows = apps.get_model("payments", "BankStatement").objects.filter(format="camt053", iban="")
    rows.exclude(account_ref="main").update(iban=models.F("account_ref"))


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
        migrations.RunPython(name_of_before, migrations.RunPython.noop),
    ]
