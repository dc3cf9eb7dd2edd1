"""Names for what is written about automatic payment; nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0004_letters_about_disputes"),
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
                    ("fee_reminder", "Payment reminder"),
                    ("family_link", "Family link"),
                    ("receipt", "Receipt"),
                    ("refund", "Refund"),
                    ("dispute", "Dispute"),
                    ("autopay_announced", "Automatic payment: charge to come"),
                    ("autopay_failed", "Automatic payment: card refused"),
                    ("autopay_ended", "Automatic payment: turned off"),
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
                    ("fee_reminder", "Payment reminder"),
                    ("family_link", "Family link"),
                    ("receipt", "Receipt"),
                    ("refund", "Refund"),
                    ("dispute", "Dispute"),
                    ("autopay_announced", "Automatic payment: charge to come"),
                    ("autopay_failed", "Automatic payment: card refused"),
                    ("autopay_ended", "Automatic payment: turned off"),
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
