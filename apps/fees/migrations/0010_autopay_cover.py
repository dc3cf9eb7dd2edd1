"""Whether automatic payment adds what processing costs, and at which rate a charge does."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0009_cover"),
    ]

    operations = [
        migrations.AddField(
            model_name="autopay",
            name="covers",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="autopaycharge",
            name="cover_bps",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="autopaycharge",
            name="cover_fixed_minor",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
