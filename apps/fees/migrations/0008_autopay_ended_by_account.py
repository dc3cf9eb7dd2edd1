"""Automatic payment may end because the school takes payments into another account."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fees", "0007_instalments"),
    ]

    operations = [
        migrations.AlterField(
            model_name="autopay",
            name="ended_why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("guardian", "Turned off by the guardian"),
                    ("card_gone", "The card is not kept any more"),
                    ("failed", "The card was refused twice"),
                    ("account", "The school takes payments into another account"),
                    ("restored", "The school was restored from a backup"),
                ],
                default="",
                max_length=10,
            ),
        ),
    ]
