"""/api/v1/payments/: read payments, and give money back under a key of the caller's."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.payments import contracts, models, selectors
from apps.payments.api import serializers as wire
from apps.payments.permissions import REFUND_PAYMENTS, VIEW_PAYMENTS
from apps.payments.services import refunds
from kernel.api import SchoolViewSet
from kernel.errors import Invalid

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="Unique for this refund: the same key never gives money back twice.",
)


class PaymentViewSet(SchoolViewSet):
    """Payments of the school."""

    permissions = {"refunds": REFUND_PAYMENTS, "*": VIEW_PAYMENTS}
    serializer_class = wire.PaymentSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[models.Payment]:
        return selectors.payments_with_parts()

    @extend_schema(
        operation_id="payments_list",
        parameters=[wire.PaymentFilter],
        responses=wire.PaymentSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Payments, the newest first."""
        wanted = wire.PaymentFilter(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        chosen = wanted.validated_data
        rows = selectors.search_payments(
            text=chosen["q"].replace("\x00", ""),
            status=chosen["status"],
            since=chosen["since"],
            until=chosen["until"],
        ).prefetch_related("lines", "refunds")
        page = [selectors.to_info(row) for row in self.paginate_queryset(rows) or []]
        return self.get_paginated_response(wire.PaymentSerializer(page, many=True).data)

    @extend_schema(operation_id="payments_retrieve", responses=wire.PaymentSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One payment with its lines and refunds."""
        return Response(wire.PaymentSerializer(selectors.get_payment(pk)).data)

    @extend_schema(
        operation_id="payments_refund",
        parameters=[IDEMPOTENCY_KEY],
        request=wire.RefundRequestSerializer,
        responses={201: wire.RefundSerializer, 202: wire.RefundSerializer},
    )
    @action(detail=True, methods=["post"])
    def refunds(self, request: Request, pk: UUID) -> Response:
        """Refund part or all of a payment. 202: it is on its way and not yet decided, or waits for
        a second person (waiting_approval): above the school's limit nobody refunds alone."""
        wanted = wire.RefundRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        info = refunds.request_refund(
            payment_id=pk,
            amount_minor=wanted.validated_data["amount_minor"],
            reason=wanted.validated_data["reason"],
            actor=_actor(request),
            idempotency_key=_own_key(request),
        )
        done = info.status in (contracts.REFUND_SUCCEEDED, contracts.REFUND_FAILED)
        return Response(wire.RefundSerializer(info).data, status=201 if done else 202)


def _actor(request: Request) -> str:
    user: Any = request.user
    return str(user.email)


def _own_key(request: Request) -> str:
    """The caller's key, kept apart from other callers' and of one length whatever they send."""
    digest = hashlib.sha256(f"{_actor(request)}\n{_key(request)}".encode()).hexdigest()
    return f"api:{digest}"


def _key(request: Request) -> str:
    key = str(request.headers.get("Idempotency-Key", "")).strip()
    if not 8 <= len(key) <= 100:
        raise Invalid(
            _("Send an Idempotency-Key header of 8 to 100 characters."),
            code="idempotency_key_required",
        )
    return key
