"""Refunds of money that did not match and was not booked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0008_refund_approvals"),
    ]

    operations = [
        migrations.AddField(
            model_name="refund",
            name="capture_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
        migrations.AddField(
            model_name="refundapproval",
            name="capture_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
    ]
