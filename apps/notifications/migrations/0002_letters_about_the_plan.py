"""Names for the letters about the school's plan; nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("password_reset", "Password reset"),
                    ("family_billed", "Bill"),
                    ("family_link", "Family link"),
                    ("receipt", "Receipt"),
                    ("refund", "Refund"),
                    ("activity_confirmed", "Activity: place confirmed"),
                    ("activity_waitlisted", "Activity: waiting list"),
                    ("activity_promoted", "Activity: place became free"),
                    ("plan_limit", "Plan: limit reached"),
                    ("plan_trial", "Plan: end of the trial"),
                    ("plan_invoice", "Plan: invoice of the platform"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="preference",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("password_reset", "Password reset"),
                    ("family_billed", "Bill"),
                    ("family_link", "Family link"),
                    ("receipt", "Receipt"),
                    ("refund", "Refund"),
                    ("activity_confirmed", "Activity: place confirmed"),
                    ("activity_waitlisted", "Activity: waiting list"),
                    ("activity_promoted", "Activity: place became free"),
                    ("plan_limit", "Plan: limit reached"),
                    ("plan_trial", "Plan: end of the trial"),
                    ("plan_invoice", "Plan: invoice of the platform"),
                ],
                max_length=32,
            ),
        ),
    ]
