"""What each code of the audit trail means, in plain words. The one place for them: a test looks
through the source for codes that are missing here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.identity.models import AuditEntry
from kernel.money import format_money
from kernel.schools import current_school

SENTENCES: Mapping[str, Promise] = {
    "activities.activity_cancelled": _("Cancelled an activity"),
    "activities.activity_changed": _("Changed an activity"),
    "activities.activity_created": _("Planned an activity"),
    "activities.activity_published": _("Opened an activity for sign-up"),
    "activities.draft_deleted": _("Deleted the draft of an activity"),
    "fees.activity_category_chosen": _("Chose as which category activities count"),
    "fees.category_account_chosen": _("Chose where the money of a category goes"),
    "fees.dispute_decided": _("Decided about a payment that a bank took back"),
    "fees.external_refund_ignored": _("Left a refund made at the gateway out of the books"),
    "fees.fee_archived": _("Put a fee away"),
    "fees.fee_changed": _("Changed a fee"),
    "fees.fee_created": _("Made a fee"),
    "fees.fee_restored": _("Took a fee back into use"),
    "fees.payment_recorded": _("Wrote down a payment at the counter"),
    "fees.refund_requested": _("Asked for a refund"),
    "fees.run_posted": _("Posted a billing run"),
    "fees.run_reversed": _("Took a billing run back"),
    "identity.invitation_accepted": _("Accepted the invitation and set a password"),
    "identity.invitation_resent": _("Sent an invitation again"),
    "identity.invitation_revoked": _("Withdrew an invitation"),
    "identity.operator_created": _("Made an operator's account"),
    "identity.password_changed": _("Changed the password"),
    "identity.password_reset": _("Chose a new password by e-mail link"),
    "identity.password_reset_asked": _("Asked for a link to choose a new password"),
    "identity.roles_changed": _("Changed what somebody may do"),
    "identity.signed_in": _("Signed in"),
    "identity.tokens_revoked": _("Ended the tokens of an API client"),
    "identity.user_deactivated": _("Closed an account"),
    "identity.user_invited": _("Invited somebody"),
    "identity.user_reactivated": _("Opened a closed account again"),
    "payments.account_connected": _("Connected a gateway account"),
    "payments.account_key_replaced": _("Replaced the key of a gateway account"),
    "payments.account_made_default": _("Chose the account that takes new payments"),
    "payments.account_not_offered": _("No longer lets payers choose a gateway account"),
    "payments.account_offered": _("Lets payers choose a gateway account"),
    "payments.account_renamed": _("Gave a gateway account another name"),
    "payments.account_turned_off": _("Turned a gateway account off"),
    "payments.account_turned_on": _("Turned a gateway account on"),
    "payments.webhook_completed": _("Had a gateway send kinds of news that it did not send"),
    "payments.hold_kept": _("Kept a payer blocked"),
    "payments.hold_placed": _("Paused payments after odd attempts"),
    "payments.hold_released": _("Let a blocked payer pay again"),
    "payments.message_put_away": _("Put a gateway's message away"),
    "payments.mismatch_resolved": _("Decided about money that was not what was asked for"),
    "payments.refund_approval_requested": _("Asked a second person to approve a refund"),
    "payments.refund_approved": _("Approved a refund"),
    "payments.refund_declined": _("Declined a refund"),
    "payments.refund_expired": _("A refund was not approved in time"),
    "payments.refund_withdrawn": _("Took a request for a refund back"),
    "payments.webhook_secret_replaced": _("Replaced a signing secret"),
    "payments.bank_line_ignored": _("Left a bank line out"),
    "payments.bank_line_matched": _("Matched a bank line with payments"),
    "payments.bank_line_undone": _("Undid what was decided about a bank line"),
    "payments.payment_returned": _("Took a payment back that the bank returned"),
    "payments.statement_discarded": _("Discarded a bank statement"),
    "payments.statement_imported": _("Imported a bank statement"),
    "payments.exception_accepted": _("Left an exception of the reconciliation as it is"),
    "payments.reconciliation_asked": _("Asked for a reconciliation"),
    "students.families_import_undone": _("Undid a families import"),
    "students.families_imported": _("Imported families from a file"),
    "students.guardian_added": _("Added a guardian"),
    "students.guardian_changed": _("Changed a guardian's details"),
    "students.guardian_linked": _("Gave a student a guardian"),
    "students.guardian_unlinked": _("Removed a guardian from a student"),
    "students.guardianship_changed": _("Changed how a guardian is related to a student"),
    "students.person_erased": _("Erased a person's data"),
    "students.person_exported": _("Exported everything held about a person"),
    "students.student_added": _("Added a student"),
    "students.student_changed": _("Changed a student's details"),
    "students.student_withdrawn": _("Withdrew a student"),
    "tenants.settings_changed": _("Changed the school's settings"),
}


def sentence_of(code: str) -> str:
    """The code in words; a code that this version does not know, as it is."""
    return str(SENTENCES.get(code, code.partition(".")[2].replace("_", " ") or code))


def codes_like(text: str) -> list[str]:
    """Codes whose words hold the text, so that people find entries by what they read."""
    wanted = text.casefold()
    return [code for code, words in SENTENCES.items() if wanted in str(words).casefold()]


def detail_lines(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """The details as people read them: lists without brackets, names without underscores, amounts
    as money. Keys of rows say nothing to anybody and are left out."""
    return [
        (key.removesuffix("_minor").replace("_", " "), _detail(key, value))
        for key, value in detail.items()
        if not key.endswith(("_id", "_ids"))
    ]


def _detail(key: str, value: Any) -> str:
    if key.endswith("_minor") and str(value).lstrip("-").isdecimal():
        return format_money(int(value), current_school().currency)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def subject_of(entry: AuditEntry) -> str:
    """Whom or what it was done to; a bare key is not worth showing."""
    try:
        UUID(entry.subject)
    except ValueError:
        return entry.subject
    return ""
