"""What a payer adds for the cost of processing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0011_statement_iban"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="cover_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
