from django.urls import URLPattern, URLResolver, path

from apps.fees.portal import views_bank as bank
from apps.fees.portal import views_billing as billing
from apps.fees.portal import views_categories as categories
from apps.fees.portal import views_disputes as disputes
from apps.fees.portal import views_fees as fees
from apps.fees.portal import views_invoices as invoices
from apps.fees.portal import views_ledger as ledger
from apps.fees.portal import views_refunds as refunds
from apps.fees.portal import views_reports as reports

app_name = "fees"
STUDENT = "students/<uuid:student_id>/"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", fees.fee_list, name="fees"),
    path("new/", fees.fee_new, name="fee_new"),
    path("<uuid:fee_id>/edit/", fees.fee_edit, name="fee_edit"),
    path("<uuid:fee_id>/archive/", fees.fee_archive, name="fee_archive"),
    path("categories/", categories.category_list, name="categories"),
    path(
        "categories/activities/",
        categories.choose_for_activities,
        name="category_of_activities",
    ),
    path(
        "categories/<uuid:category_id>/account/",
        categories.choose_account,
        name="category_account",
    ),
    path("bill/", billing.bill, name="bill"),
    path("runs/", billing.run_list, name="runs"),
    path("runs/<uuid:run_id>/", billing.run, name="run"),
    path("runs/<uuid:run_id>/post/", billing.run_post, name="run_post"),
    path("runs/<uuid:run_id>/reverse/", billing.run_reverse, name="run_reverse"),
    path("runs/<uuid:run_id>/discard/", billing.run_discard, name="run_discard"),
    path("bank/", bank.bank_lines, name="bank"),
    path("bank/confirm/", bank.confirm, name="bank_confirm"),
    path("bank/<uuid:line_id>/", bank.bank_line, name="bank_line"),
    path("bank/<uuid:line_id>/ignore/", bank.ignore, name="bank_ignore"),
    path(
        "bank/<uuid:line_id>/recorded/<uuid:payment_id>/",
        bank.is_recorded,
        name="bank_is_recorded",
    ),
    path("bank/<uuid:line_id>/undo/", bank.undo, name="bank_undo"),
    path("bank/<uuid:line_id>/go-on/", bank.go_on, name="bank_go_on"),
    path("bank/<uuid:line_id>/returned/<uuid:payment_id>/", bank.returned, name="bank_returned"),
    path("invoices/", invoices.invoice_list, name="invoices"),
    path("invoices/<uuid:invoice_id>/", invoices.invoice, name="invoice"),
    path("invoices/<uuid:invoice_id>/invoice.pdf", invoices.invoice_pdf, name="invoice_pdf"),
    path("receipts/<uuid:payment_id>/receipt.pdf", invoices.receipt_pdf, name="receipt_pdf"),
    path("reports/", reports.takings_page, name="report_takings"),
    path("reports/takings/file/", reports.takings_file, name="report_takings_file"),
    path("reports/refunds/", reports.refunds_page, name="report_refunds"),
    path("reports/refunds/file/", reports.refunds_file, name="report_refunds_file"),
    path("reports/outstanding/", reports.outstanding_page, name="report_outstanding"),
    path("reports/outstanding/file/", reports.outstanding_file, name="report_outstanding_file"),
    path("disputes/", disputes.losses, name="losses"),
    path("disputes/<uuid:dispute_id>/decide/", disputes.decide, name="decide_loss"),
    path("refunds/<uuid:refund_id>/", refunds.external, name="external_refund"),
    path("refunds/<uuid:refund_id>/ignore/", refunds.ignore, name="ignore_refund"),
    path(STUDENT, ledger.student_ledger, name="student_ledger"),
    path(f"{STUDENT}payment/", ledger.record_payment, name="record_payment"),
    path(f"{STUDENT}refund/<uuid:payment_id>/", refunds.refund, name="refund"),
    path(f"{STUDENT}link/<uuid:guardian_id>/", ledger.send_link, name="send_link"),
    path(f"{STUDENT}revoke/<uuid:guardian_id>/", ledger.revoke_links, name="revoke_links"),
]
