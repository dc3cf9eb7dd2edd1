"""A payer's bank takes a charge back: opened and decided by the controls."""

from __future__ import annotations

from apps.payments.sandbox import wire
from apps.payments.sandbox.objects import Objects
from apps.payments.sandbox.wire import DAY, Json, WireError

FEE = 1500  # minor units that a gateway keeps of every dispute
ANSWER_WITHIN = 10 * DAY
ENDINGS = ("won", "lost")


class Disputes(Objects):
    """Disputes of charges. The money leaves at once and comes back with a dispute that is won."""

    def open_dispute(
        self,
        account: str,
        charge_id: str,
        *,
        amount: int | None = None,
        reason: str = "fraudulent",
        seconds: int = ANSWER_WITHIN,
        inquiry: bool = False,
    ) -> Json:
        """`amount` None: the whole charge. `seconds`: how long the school may answer. An `inquiry`
        takes no money."""
        charge = self.object(account, "charge", charge_id)
        if charge["status"] != "succeeded":
            raise WireError(400, "This charge has not been paid.", code="charge_not_paid")
        wanted = charge["amount_captured"] if amount is None else amount
        if not 0 < wanted <= charge["amount_captured"]:
            raise WireError(400, "Nobody disputes more than was paid.", param="amount")
        dispute = _new_dispute(charge, wanted, reason=reason, due_by=wire.now() + seconds)
        charge["disputed"] = True
        self.store.put(account, "charge", charge)
        if inquiry:
            dispute["status"], dispute["is_charge_refundable"] = "warning_needs_response", True
            self.store.put(account, "dispute", dispute)
            self.emit(account, "charge.dispute.created", dispute)
        else:
            self._withdraw(account, dispute, news="charge.dispute.created")
        return dispute

    def escalate_inquiry(self, account: str, dispute_id: str) -> Json:
        """The bank is not content: the inquiry is a dispute now, and the money leaves."""
        dispute = self.object(account, "dispute", dispute_id)
        if not dispute["status"].startswith("warning_"):
            raise WireError(400, "This is no inquiry.")
        dispute["status"], dispute["is_charge_refundable"] = "needs_response", False
        self._withdraw(account, dispute, news="charge.dispute.updated")
        return dispute

    def _withdraw(self, account: str, dispute: Json, *, news: str) -> None:
        self._move_money(account, dispute, -dispute["amount"], kind="dispute", fee=FEE)
        self.emit(account, news, dispute)
        self.emit(account, "charge.dispute.funds_withdrawn", dispute)

    def answer_dispute(self, account: str, dispute_id: str) -> Json:
        """The school has sent its evidence: the bank looks at it."""
        dispute = self.object(account, "dispute", dispute_id)
        if not dispute["status"].endswith("needs_response"):
            raise WireError(400, "This dispute takes no answer any more.")
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
        dispute["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
        self.store.put(account, "dispute", dispute)
        self.emit(account, "charge.dispute.updated", dispute)
        return dispute

    def close_dispute(self, account: str, dispute_id: str, ending: str) -> Json:
        """`ending`: won or lost. A bank may change its mind: a lost one is won later. An inquiry
        ends without a decision: the bank is content."""
        dispute = self.object(account, "dispute", dispute_id)
        if dispute["status"].startswith("warning_"):
            return self._close_inquiry(account, dispute)
        if dispute["status"] == ending:
            return dispute
        if ending == "won":
            self._move_money(account, dispute, dispute["amount"], kind="dispute_reversal")
        elif dispute["status"] == "won":
            self._move_money(account, dispute, -dispute["amount"], kind="dispute")
        dispute["status"] = ending
        self.store.put(account, "dispute", dispute)
        if ending == "won":
            self.emit(account, "charge.dispute.funds_reinstated", dispute)
        self.emit(account, "charge.dispute.closed", dispute)
        return dispute

    def _close_inquiry(self, account: str, dispute: Json) -> Json:
        dispute["status"] = "warning_closed"
        self.store.put(account, "dispute", dispute)
        self.emit(account, "charge.dispute.closed", dispute)
        return dispute

    def _move_money(
        self, account: str, dispute: Json, amount: int, *, kind: str, fee: int = 0
    ) -> None:
        moved = self.move(account, dispute, amount, kind=kind, fee=fee)
        dispute["balance_transactions"].append(moved)
        self.store.put(account, "dispute", dispute)


def _new_dispute(charge: Json, amount: int, *, reason: str, due_by: int) -> Json:
    return {
        "id": wire.new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": wire.now(),
        "currency": charge["currency"],
        "evidence": {},
        "evidence_details": {
            "due_by": due_by,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
