"""/api/v1/fees/ and /api/v1/invoices/."""

from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.fees.api import serializers as wire
from apps.fees.models import Fee, Invoice
from apps.fees.permissions import MANAGE_FEES, VIEW_FEES
from apps.fees.selectors import catalogue, invoices
from apps.fees.services import catalogue as services
from kernel.api import SchoolViewSet

Q = OpenApiParameter("q", str, description="Part of a name, number or title.")


def _valid(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class FeeViewSet(SchoolViewSet):
    """Fees of the school."""

    permissions = {"create": MANAGE_FEES, "*": VIEW_FEES}
    serializer_class = wire.FeeSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Fee]:
        return Fee.objects.all()

    @extend_schema(
        operation_id="fees_list",
        parameters=[Q, OpenApiParameter("archived", bool, description="Archived ones instead.")],
        responses=wire.FeeSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Fees in use, the newest first."""
        wanted = _valid(wire.FeeFilter(data=request.query_params))
        rows = catalogue.list_fees(text=wanted["q"], archived=wanted["archived"])
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(wire.FeeSerializer(page, many=True).data)

    @extend_schema(operation_id="fees_retrieve", responses=wire.FeeSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One fee."""
        return Response(wire.FeeSerializer(catalogue.get_fee(fee_id=pk)).data)

    @extend_schema(
        operation_id="fees_create",
        request=wire.FeeInput,
        responses={201: wire.FeeSerializer},
    )
    def create(self, request: Request) -> Response:
        """A new fee; billing it is done in the portal, after a preview."""
        data = _valid(wire.FeeInput(data=request.data))
        fee_id = services.create_fee(**data, actor=request.user.get_username())
        fee = catalogue.get_fee(fee_id=fee_id)
        return Response(wire.FeeSerializer(fee).data, status=status.HTTP_201_CREATED)


class InvoiceViewSet(SchoolViewSet):
    """Invoices of the school."""

    permissions = {"*": VIEW_FEES}
    serializer_class = wire.InvoiceSerializer
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Invoice]:
        return Invoice.objects.with_balances()

    @extend_schema(
        operation_id="invoices_list",
        parameters=[
            Q,
            OpenApiParameter("status", str, enum=["open", "overdue", "paid", "void"]),
            OpenApiParameter("student", UUID, description="Only invoices of this student."),
            OpenApiParameter("due_from", date, description="Due on this day or later."),
            OpenApiParameter("due_to", date, description="Due on this day or earlier."),
        ],
        responses=wire.InvoiceSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Invoices with their balances, the newest first."""
        wanted = _valid(wire.InvoiceFilter(data=request.query_params))
        rows = invoices.filtered(
            text=wanted["q"],
            status=wanted["status"],
            student_id=wanted["student"],
            due_from=wanted["due_from"],
            due_to=wanted["due_to"],
        )
        page = [asdict(info) for info in invoices.infos(self.paginate_queryset(rows) or [])]
        return self.get_paginated_response(wire.InvoiceSerializer(page, many=True).data)

    @extend_schema(operation_id="invoices_retrieve", responses=wire.InvoiceDetailSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One invoice with its lines; each line says why it is owed."""
        found = asdict(invoices.get_invoice(invoice_id=pk))
        return Response(wire.InvoiceDetailSerializer(found).data)
