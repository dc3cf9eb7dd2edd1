from django.urls import URLPattern, URLResolver, path

from apps.fees.family import views, views_cards

app_name = "family"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.balance, name="balance"),
    path("l/<str:token>/", views.open_link, name="link"),
    path("l/<str:token>/receipts/<uuid:payment_id>/", views.open_link, name="receipt_link"),
    path("link/", views.fresh_link, name="fresh_link"),
    path("leave/", views.leave, name="leave"),
    path("pay/", views.pay, name="pay"),
    path("pay/card/", views_cards.pay_card, name="pay_card"),
    path("cards/", views_cards.cards, name="cards"),
    path("cards/<uuid:method_id>/remove/", views_cards.card_remove, name="card_remove"),
    path("autopay/on/", views_cards.autopay_on, name="autopay_on"),
    path("autopay/off/", views_cards.autopay_off, name="autopay_off"),
    path("history/", views.history, name="history"),
    path("payments/<uuid:payment_id>/", views.payment, name="payment"),
    path("payments/<uuid:payment_id>/cancel/", views.payment_cancel, name="payment_cancel"),
    path("receipts/<uuid:payment_id>/", views.receipt, name="receipt"),
    path("receipts/<uuid:payment_id>/receipt.pdf", views.receipt_pdf, name="receipt_pdf"),
    path("invoices/<uuid:invoice_id>/invoice.pdf", views.invoice_pdf, name="invoice_pdf"),
]
