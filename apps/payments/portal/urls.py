from django.urls import URLPattern, URLResolver, path

from apps.payments.portal import (
    account_views,
    dispute_views,
    reconciliation_views,
    statement_views,
    views,
)

app_name = "payments"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.payment_list, name="list"),
    path("disputes/", dispute_views.dispute_list, name="disputes"),
    path("reconciliation/", reconciliation_views.exception_list, name="reconciliation"),
    path("reconciliation/now/", reconciliation_views.compare_now, name="compare_now"),
    path("reconciliation/runs/", reconciliation_views.run_list, name="runs"),
    path(
        "reconciliation/<uuid:discrepancy_id>/ask/",
        reconciliation_views.exception_ask,
        name="exception_ask",
    ),
    path(
        "reconciliation/<uuid:discrepancy_id>/accept/",
        reconciliation_views.exception_accept,
        name="exception_accept",
    ),
    path("payouts/", reconciliation_views.payout_list, name="payouts"),
    path("payouts/<uuid:payout_id>/", reconciliation_views.payout_detail, name="payout"),
    path("statements/", statement_views.statement_list, name="statements"),
    path("statements/<uuid:statement_id>/", statement_views.statement_detail, name="statement"),
    path(
        "statements/<uuid:statement_id>/layout/",
        statement_views.statement_layout,
        name="statement_layout",
    ),
    path(
        "statements/<uuid:statement_id>/import/",
        statement_views.statement_keep,
        name="statement_keep",
    ),
    path(
        "statements/<uuid:statement_id>/discard/",
        statement_views.statement_discard,
        name="statement_discard",
    ),
    path("messages/", views.event_list, name="events"),
    path("messages/<uuid:event_id>/again/", views.match_again, name="match_again"),
    path("messages/<uuid:event_id>/away/", views.put_away, name="put_away"),
    path("accounts/", account_views.account_list, name="accounts"),
    path("accounts/add/", account_views.account_add, name="account_add"),
    path("accounts/sandbox/", account_views.open_sandbox, name="open_sandbox"),
    path("accounts/<uuid:account_id>/", account_views.account_detail, name="account"),
    path("accounts/<uuid:account_id>/name/", account_views.account_rename, name="account_rename"),
    path("accounts/<uuid:account_id>/key/", account_views.account_key, name="account_key"),
    path("accounts/<uuid:account_id>/check/", account_views.account_check, name="account_check"),
    path("accounts/<uuid:account_id>/switch/", account_views.account_switch, name="account_switch"),
    path("accounts/<uuid:account_id>/secret/", account_views.account_secret, name="account_secret"),
    path("accounts/<uuid:account_id>/rotate/", account_views.account_rotate, name="account_rotate"),
    path(
        "accounts/<uuid:account_id>/default/",
        account_views.account_default,
        name="account_default",
    ),
    path("<uuid:payment_id>/", views.payment_detail, name="detail"),
    path("<uuid:payment_id>/ask/", views.ask_again, name="ask_again"),
    path("<uuid:payment_id>/refund/", views.refund, name="refund"),
    path("<uuid:payment_id>/close/", views.close_mismatch, name="close_mismatch"),
    path("<uuid:payment_id>/refunds/<uuid:refund_id>/book/", views.book_refund, name="book_refund"),
]
