"""One real object of every kind in a school; which an address asks for says addresses.py."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from functools import cached_property
from io import BytesIO
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone
from PIL import Image

from apps.activities.services import signups
from apps.activities.tests.factories import ActivityFactory, CalendarEntryFactory
from apps.events.models import DeadLetter
from apps.fees.models import DisputeLoss, Fee
from apps.fees.services import links
from apps.fees.tests import factories as fees
from apps.identity import facade as identity
from apps.identity.models import PasswordReset
from apps.identity.tests.factories import InvitedUserFactory, UserFactory
from apps.notifications.tests.factories import MessageFactory
from apps.payments import models as payments
from apps.payments.services.accounts import create_sandbox_account
from apps.students.services.imports import check_families_file
from apps.tenants.models import Backup, Domain, Operation, PlatformInvoice
from apps.tenants.models import SignUp as SchoolSignUp
from apps.tenants.services.branding import replace_logo
from apps.tenants.services.plans.catalogue import publish_plan
from apps.tenants.services.sign_ups.requests import CONFIRM, token_of
from apps.website.services.documents import add_document
from apps.website.tests import factories as website
from kernel.ids import uuid7
from kernel.schools import in_public


class Things:
    """The objects of the school that is open when each is first asked for."""

    @cached_property
    def family(self) -> fees.Family:
        family = fees.make_family(self.school_class)
        fees.bill(self.school_class)
        return family

    @cached_property
    def school_class(self) -> Any:
        return fees.make_class(f"Room {secrets.token_hex(3)}")

    @cached_property
    def student(self) -> Any:
        return self.family.child

    @cached_property
    def guardian(self) -> Any:
        return self.family.guardian

    @cached_property
    def guardianship_id(self) -> UUID:
        return self.student.guardianships.get().pk

    @cached_property
    def import_id(self) -> UUID:
        content = b"student_number,first_name,last_name,class\n1,Ada,Park,3A\n"
        return check_families_file(content=content, file_name="new.csv", actor="office").pk

    @cached_property
    def user(self) -> Any:
        return UserFactory()

    @cached_property
    def invitation_token(self) -> str:
        invited = InvitedUserFactory()
        return _last_part(identity.invitation_url(invited.invitations.get().pk))

    @cached_property
    def reset_token(self) -> str:
        return _last_part(
            identity.password_reset_url(PasswordReset.objects.create(user=self.user).pk)
        )

    @cached_property
    def family_token(self) -> str:
        return _last_part(links.family_link_path(guardian_id=self.guardian.pk))

    @cached_property
    def activity(self) -> Any:
        return ActivityFactory()

    @cached_property
    def sign_up_id(self) -> UUID:
        signed = signups.sign_up(
            activity_id=self.activity.pk, student_id=self.student.pk, actor="office"
        )
        return signed.id

    @cached_property
    def entry(self) -> Any:
        return CalendarEntryFactory()

    @cached_property
    def fee_id(self) -> UUID:
        return fees.make_fee(name=f"Fee {secrets.token_hex(3)}")

    @cached_property
    def category_id(self) -> UUID:
        return Fee.objects.get(pk=self.fee_id).category_id

    @cached_property
    def run_id(self) -> UUID:
        self.family  # noqa: B018 - somebody to bill
        return fees.draft(self.fee_id, self.school_class)

    @cached_property
    def invoice(self) -> Any:
        return fees.owed(self.student)[0]

    @cached_property
    def payment_id(self) -> UUID:
        from apps.events import facade as events

        payment_id = fees.pay(self.family, [(self.invoice.id, 10000)])
        events.drain(connection.schema_name)
        return payment_id

    @cached_property
    def refund_id(self) -> UUID:
        """One that was made in the gateway's own dashboard and waits to be booked."""
        return payments.Refund.objects.create(
            payment_id=self.payment_id,
            amount_minor=100,
            idempotency_key=secrets.token_hex(8),
            external=True,
            status="succeeded",
            requested_at=timezone.now(),
            completed_at=timezone.now(),
        ).pk

    @cached_property
    def approval_id(self) -> UUID:
        """A refund that waits for a second person."""
        now = timezone.now()
        return payments.RefundApproval.objects.create(
            payment_id=self.payment_id,
            amount_minor=100,
            idempotency_key=secrets.token_hex(8),
            requested_by="office@example.org",
            requested_at=now,
            expires_at=now + timedelta(days=1),
        ).pk

    @cached_property
    def dispute_id(self) -> UUID:
        """A lost one, which waits for the school's decision."""
        return DisputeLoss.objects.create(
            id=uuid7(), payment_id=self.payment_id, amount_minor=100, currency="USD"
        ).pk

    @cached_property
    def account(self) -> payments.GatewayAccount:
        return payments.GatewayAccount.objects.get(pk=create_sandbox_account().id)

    @cached_property
    def provider_event_id(self) -> UUID:
        return payments.ProviderEvent.objects.create(
            account=self.account,
            event_id=secrets.token_hex(8),
            event_type="checkout.session.completed",
            body="{}",
            received_at=timezone.now() - timedelta(minutes=5),
        ).pk

    @cached_property
    def run_of_books(self) -> payments.ReconciliationRun:
        now = timezone.now()
        return payments.ReconciliationRun.objects.create(
            account=self.account, since=now - timedelta(days=3), until=now, state="done"
        )

    @cached_property
    def discrepancy_id(self) -> UUID:
        run = self.run_of_books
        return payments.Discrepancy.objects.create(
            account=self.account,
            kind="unknown_at_local",
            object_id=secrets.token_hex(8),
            at=run.until,
            first_seen=run,
            last_seen=run,
        ).pk

    @cached_property
    def statement_id(self) -> UUID:
        return payments.BankStatement.objects.create(
            file_name="bank.csv", format="csv", sha256="", account_ref="main", state="discarded"
        ).pk

    @cached_property
    def line_id(self) -> UUID:
        return payments.StatementLine.objects.create(
            statement_id=self.statement_id,
            account_ref="main",
            fingerprint=secrets.token_hex(16),
            booked_on=timezone.now().date(),
            amount_minor=100,
            currency="USD",
        ).pk

    @cached_property
    def payout_id(self) -> UUID:
        return payments.Payout.objects.create(
            account=self.account,
            payout_id=secrets.token_hex(8),
            status="paid",
            currency="USD",
            net_minor=100,
            arrives_on=timezone.now().date(),
            made_at=timezone.now(),
        ).pk

    @cached_property
    def hold_id(self) -> UUID:
        now = timezone.now()
        return payments.FraudHold.objects.create(
            subject=f"family:{uuid7()}", kind="velocity", placed_at=now, until=now
        ).pk

    @cached_property
    def saved_method_id(self) -> UUID:
        """A card of the guardian that the gateway keeps."""
        return payments.SavedMethod.objects.create(
            account=self.account,
            payer_id=self.guardian.pk,
            payment_id=self.payment_id,
            consent_text="Keep it",
            consented_at=timezone.now(),
            customer_id="cus_1",
            method_id=f"pm_{secrets.token_hex(8)}",
            brand="visa",
            last4="4242",
            kept_at=timezone.now(),
        ).pk

    @cached_property
    def message(self) -> Any:
        return MessageFactory()

    @cached_property
    def news(self) -> Any:
        return website.NewsPostFactory(slug=f"news-{secrets.token_hex(4)}")

    @cached_property
    def page(self) -> Any:
        return website.PageFactory(slug=f"page-{secrets.token_hex(4)}")

    @cached_property
    def staff_entry(self) -> Any:
        return website.StaffEntryFactory()

    @cached_property
    def document(self) -> Any:
        return add_document(title="Menu", upload=website.upload(), actor="office")

    @cached_property
    def logo_digest(self) -> str:
        picture = BytesIO()
        Image.new("RGBA", (64, 64), "#1f5f8b").save(picture, "PNG")
        replace_logo(upload=website.upload(picture.getvalue(), "logo.png"), actor="admin")
        return default_storage.listdir("branding")[1][0].partition("-")[0]

    @cached_property
    def school_id(self) -> int:
        return int(connection.tenant.id)

    @cached_property
    def domain_id(self) -> int:
        school_id = self.school_id
        with in_public():
            return int(Domain.objects.get(tenant_id=school_id).pk)

    @cached_property
    def operation_id(self) -> UUID:
        values = {"kind": "backup", "school_id": self.school_id, "state": "done"}
        with in_public():
            return Operation.objects.create(actor="operator", **values).pk

    @cached_property
    def platform_invoice_id(self) -> UUID:
        """The platform's invoice to the school: a row of public, next to other schools'."""
        day = date(2026, 1, 1)
        values = {"school_id": self.school_id, "school_name": "Lincoln", "plan_name": "Basic"}
        values |= {"month": day, "issued_on": day, "due_on": day, "number": secrets.token_hex(4)}
        with in_public():
            return PlatformInvoice.objects.create(currency="USD", total_minor=100, **values).pk

    @cached_property
    def plan_id(self) -> UUID:
        with in_public():
            return publish_plan(
                code=f"plan-{secrets.token_hex(3)}",
                currency="USD",
                name="Basic",
                price_minor=100,
                trial_days=0,
                active_from=date(2026, 1, 1),
                allowances={},
                actor="operator",
            ).pk

    @cached_property
    def letter_id(self) -> int:
        letter = DeadLetter.objects.create(
            event_id=uuid7(),
            stream_type="user",
            stream_id=uuid7(),
            event_type="identity.user_activated",
            version=1,
            payload={},
            consumer="students.link",
            error="no chalk",
        )
        return int(letter.pk)

    @cached_property
    def backup_id(self) -> UUID:
        values = {"school_id": self.school_id, "school_name": "Lincoln", "state": "done"}
        with in_public():
            return Backup.objects.create(key=secrets.token_hex(8), **values).pk

    @cached_property
    def sign_up_token(self) -> str:
        """A stranger's sign-up of a school, which waits to be confirmed."""
        values = {"school_name": "Hill School", "slug": f"hill-{secrets.token_hex(3)}"}
        values |= {"admin_email": "head@hill.example", "plan_code": "basic", "currency": "USD"}
        values |= {"language": "en", "time_zone": "UTC"}
        with in_public():
            row = SchoolSignUp.objects.create(
                expires_at=timezone.now() + timedelta(hours=1), **values
            )
            return token_of(row, CONFIRM)


def _last_part(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[-1]
