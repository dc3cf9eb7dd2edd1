from django.urls import path

from apps.payments.hooks import views

app_name = "payment_hooks"
urlpatterns = [path("<str:webhook_key>/", views.receive, name="receive")]
