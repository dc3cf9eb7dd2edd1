"""Plans, usage, the platform's invoices and self-service sign-up; three plans to begin with."""

import datetime

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.tenants.models.sign_ups
import kernel.ids

APPEND_ONLY = ("tenants_platforminvoice", "tenants_platforminvoiceline", "tenants_platformpayment")

REFUSE = """
CREATE FUNCTION tenants_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed: issue a credit note instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$body$;
"""

MB, GB = 10**6, 10**9
FIRST_DAY = datetime.date(2026, 1, 1)
CURRENCIES = ("USD", "EUR")
# Amounts in minor units; allowances as (meter, included, limit, extra unit, its price).
PLANS = (
    {
        "code": "free",
        "name": "Free",
        "text": "For a small school, or to see whether Homeroom fits.",
        "price_minor": 0,
        "payment_fee_bp": 100,
        "allowances": (
            ("students", 50, 50, 1, 0),
            ("storage_bytes", 200 * MB, 200 * MB, GB, 0),
            ("messages", 1_000, 1_000, 1_000, 0),
        ),
    },
    {
        "code": "basic",
        "name": "Basic",
        "text": "For one school with everything it needs.",
        "price_minor": 39_00,
        "payment_fee_bp": 25,
        "allowances": (
            ("students", 250, 500, 10, 2_00),
            ("storage_bytes", 5 * GB, 20 * GB, GB, 1_00),
            ("messages", 10_000, None, 1_000, 1_00),
        ),
    },
    {
        "code": "plus",
        "name": "Plus",
        "text": "For large schools: room to grow, and no fee on payments.",
        "price_minor": 119_00,
        "payment_fee_bp": 0,
        "allowances": (
            ("students", 1_000, None, 10, 1_00),
            ("storage_bytes", 50 * GB, None, GB, 50),
            ("messages", 50_000, None, 1_000, 50),
        ),
    },
)


def _trigger(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION tenants_refuse_change();"
    )


def _drop(table: str) -> str:
    return f"DROP TRIGGER {table}_append_only ON {table};"


def seed_plans(registry, schema_editor):
    for position, values in enumerate(PLANS, start=1):
        for currency in CURRENCIES:
            _seed(registry, position, currency, dict(values))


def _seed(registry, position, currency, values):
    allowances = values.pop("allowances")
    plan = registry.get_model("tenants", "Plan").objects.create(
        currency=currency, position=position, active_from=FIRST_DAY, created_by="homeroom", **values
    )
    for meter, included, limit, unit, price in allowances:
        registry.get_model("tenants", "PlanAllowance").objects.create(
            plan=plan,
            meter=meter,
            included=included,
            limit=limit,
            extra_unit=unit,
            extra_price_minor=price,
        )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_settings")]

    operations = [
        migrations.CreateModel(
            name="PlatformNumber",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("last", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="LimitNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("school_id", models.BigIntegerField()),
                ("meter", models.CharField(max_length=32)),
                ("level", models.PositiveSmallIntegerField()),
                ("value", models.BigIntegerField()),
                ("limit", models.BigIntegerField()),
                ("raised_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("cleared_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["school_id", "meter", "-level"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cleared_at__isnull", True)),
                        fields=("school_id", "meter", "level"),
                        name="tenants_notice_one_open",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Plan",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("code", models.CharField(max_length=32)),
                ("currency", models.CharField(max_length=3)),
                ("version", models.PositiveIntegerField(default=1)),
                ("name", models.CharField(max_length=60)),
                ("text", models.CharField(blank=True, default="", max_length=200)),
                ("price_minor", models.BigIntegerField()),
                ("payment_fee_bp", models.PositiveIntegerField(default=0)),
                ("trial_days", models.PositiveIntegerField(default=30)),
                ("position", models.PositiveSmallIntegerField(default=100)),
                ("active_from", models.DateField()),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("created_by", models.CharField(blank=True, default="", max_length=254)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={
                "ordering": ["position", "code", "currency", "-version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("code", "currency", "version"), name="tenants_plan_version_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price_minor__gte", 0)), name="tenants_plan_price"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("payment_fee_bp__lte", 10000)),
                        name="tenants_plan_fee_at_most_all",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PlatformInvoice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("invoice", "Invoice"), ("credit", "Credit")],
                        default="invoice",
                        max_length=8,
                    ),
                ),
                ("number", models.CharField(max_length=20)),
                ("school_id", models.BigIntegerField()),
                ("school_name", models.CharField(max_length=120)),
                ("billed_to", models.CharField(blank=True, default="", max_length=700)),
                ("language", models.CharField(default="en", max_length=8)),
                ("month", models.DateField()),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
                ("plan_name", models.CharField(max_length=60)),
                ("currency", models.CharField(max_length=3)),
                ("total_minor", models.BigIntegerField()),
                ("issued_on", models.DateField()),
                ("due_on", models.DateField()),
                ("created_by", models.CharField(blank=True, default="", max_length=254)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "credits",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_note",
                        to="tenants.platforminvoice",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="PlatformInvoiceLine",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("code", models.CharField(max_length=32)),
                ("detail", models.JSONField(default=dict)),
                ("amount_minor", models.BigIntegerField()),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="tenants.platforminvoice",
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="PlatformPayment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("received_on", models.DateField()),
                ("reference", models.CharField(max_length=120)),
                ("recorded_by", models.CharField(blank=True, default="", max_length=254)),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="tenants.platforminvoice",
                    ),
                ),
            ],
            options={
                "ordering": ["received_on", "id"],
            },
        ),
        migrations.CreateModel(
            name="SignUp",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for confirmation"),
                            ("confirmed", "Being made"),
                            ("done", "School opened"),
                            ("failed", "Failed"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("school_name", models.CharField(max_length=120)),
                ("slug", models.CharField(max_length=63)),
                ("admin_name", models.CharField(blank=True, default="", max_length=120)),
                ("admin_email", models.EmailField(max_length=254)),
                ("plan_code", models.CharField(max_length=32)),
                ("currency", models.CharField(max_length=3)),
                ("language", models.CharField(max_length=8)),
                ("time_zone", models.CharField(max_length=64)),
                (
                    "secret",
                    models.CharField(
                        default=apps.tenants.models.sign_ups.new_secret, max_length=64
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("expires_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("school_id", models.BigIntegerField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, default="", max_length=300)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(fields=["-created_at", "-id"], name="tenants_signup_newest"),
                    models.Index(fields=["admin_email"], name="tenants_signup_email"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("pending", "confirmed"))),
                        fields=("slug",),
                        name="tenants_signup_slug_kept",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("school_id", models.BigIntegerField()),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("trial_until", models.DateField(blank=True, null=True)),
                ("trial_told", models.CharField(blank=True, default="", max_length=8)),
                ("chosen_by", models.CharField(blank=True, default="", max_length=254)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="tenants.plan",
                    ),
                ),
            ],
            options={
                "ordering": ["school_id", "starts_on"],
            },
        ),
        migrations.CreateModel(
            name="UsageMonth",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("school_id", models.BigIntegerField()),
                ("month", models.DateField()),
                ("meter", models.CharField(max_length=32)),
                ("value", models.BigIntegerField()),
                ("measured_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["school_id", "-month", "meter"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("school_id", "month", "meter"), name="tenants_usage_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("month__day", 1)), name="tenants_usage_whole_month"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VisitorCount",
            fields=[
                ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("window_started_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["window_started_at"], name="tenants_visitor_window")
                ],
            },
        ),
        migrations.CreateModel(
            name="PlanAllowance",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("meter", models.CharField(max_length=32)),
                ("included", models.BigIntegerField()),
                ("limit", models.BigIntegerField(blank=True, null=True)),
                ("extra_unit", models.BigIntegerField(default=1)),
                ("extra_price_minor", models.BigIntegerField(default=0)),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="allowances",
                        to="tenants.plan",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("plan", "meter"), name="tenants_allowance_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("included__gte", 0),
                            ("extra_unit__gt", 0),
                            ("extra_price_minor__gte", 0),
                        ),
                        name="tenants_allowance_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit__isnull", True),
                            ("limit__gte", models.F("included")),
                            _connector="OR",
                        ),
                        name="tenants_allowance_limit_not_below",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="platforminvoice",
            index=models.Index(fields=["school_id", "-month"], name="tenants_invoice_school"),
        ),
        migrations.AddIndex(
            model_name="platforminvoice",
            index=models.Index(fields=["-created_at", "-id"], name="tenants_invoice_newest"),
        ),
        migrations.AddConstraint(
            model_name="platforminvoice",
            constraint=models.UniqueConstraint(fields=("number",), name="tenants_invoice_number"),
        ),
        migrations.AddConstraint(
            model_name="platforminvoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "invoice")),
                fields=("school_id", "month", "attempt"),
                name="tenants_invoice_once_a_month",
            ),
        ),
        migrations.AddConstraint(
            model_name="platforminvoice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("credits__isnull", True), ("kind", "invoice"), ("total_minor__gt", 0)
                    ),
                    models.Q(
                        ("credits__isnull", False), ("kind", "credit"), ("total_minor__lt", 0)
                    ),
                    _connector="OR",
                ),
                name="tenants_invoice_or_credit",
            ),
        ),
        migrations.AddConstraint(
            model_name="platforminvoiceline",
            constraint=models.UniqueConstraint(
                fields=("invoice", "position"), name="tenants_invoice_line_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="platformpayment",
            constraint=models.UniqueConstraint(
                fields=("invoice", "reference"), name="tenants_platform_payment_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="platformpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)),
                name="tenants_platform_payment_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ends_on__isnull", True)),
                fields=("school_id",),
                name="tenants_subscription_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("school_id", "starts_on"), name="tenants_subscription_one_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on__isnull", True),
                    ("ends_on__gt", models.F("starts_on")),
                    _connector="OR",
                ),
                name="tenants_subscription_ends_after_start",
            ),
        ),
        migrations.RunSQL(REFUSE, "DROP FUNCTION tenants_refuse_change();"),
        *[migrations.RunSQL(_trigger(table), _drop(table)) for table in APPEND_ONLY],
        migrations.RunPython(seed_plans, migrations.RunPython.noop),
    ]
