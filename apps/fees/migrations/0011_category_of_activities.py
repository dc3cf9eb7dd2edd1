"""A school may say as which category activities count."""

from django.db import migrations, models


class Migration(migrations.Migration):
    contract = "The column is new: the running release leaves it false, which nothing refuses."

    dependencies = [
        ("fees", "0010_autopay_cover"),
    ]

    operations = [
        migrations.AddField(
            model_name="feecategory",
            name="for_activities",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name="feecategory",
            constraint=models.UniqueConstraint(
                condition=models.Q(("for_activities", True)),
                fields=("for_activities",),
                name="fees_category_of_activities",
            ),
        ),
    ]
