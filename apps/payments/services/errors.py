"""Refusals that callers tell apart by class."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from kernel.errors import Conflict, DomainError, Invalid


class PaymentInProgress(Conflict):
    """Somebody is paying the same thing right now; starting another payment would pay it twice."""

    code = "payment_in_progress"

    def __init__(self, *, payment_id: UUID, payer_id: UUID, started_at: datetime) -> None:
        super().__init__(_("This is being paid right now. Please look again in a few minutes."))
        self.payment_id = payment_id
        self.payer_id = payer_id
        self.started_at = started_at


class AlreadyPaid(Conflict):
    """The money arrived while the caller was about to pay again."""

    code = "already_paid"

    def __init__(self, *, payment_id: UUID) -> None:
        super().__init__(_("This has just been paid. There is nothing left to pay for it."))
        self.payment_id = payment_id


class NoGateway(Invalid):
    """The school has not connected a payment gateway."""

    code = "no_gateway"

    def __init__(self) -> None:
        super().__init__(_("This school does not take payments online yet."))


class KeyReused(Conflict):
    """An idempotency key came back with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            _("This request was sent before with other details. Reload the page and try again.")
        )


class PaymentsPaused(DomainError):
    """Too many odd attempts: no new payment for a while. Says nothing of what was counted."""

    status = 429
    code = "payments_paused"

    def __init__(self) -> None:
        super().__init__(
            _("You cannot pay online at the moment. Please try again later, or ask the office.")
        )
