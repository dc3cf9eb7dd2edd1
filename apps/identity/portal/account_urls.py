"""Accounts: the same addresses on every school's host and on the platform's."""

from django.urls import path

from apps.identity.portal import account_views as views

app_name = "account"
urlpatterns = [
    path("sign-in/", views.sign_in_page, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("invitation/<str:token>/", views.invitation, name="invitation"),
    path("password/forgotten/", views.password_forgotten, name="password_forgotten"),
    path("password/sent/", views.password_sent, name="password_sent"),
    path("password/reset/<str:token>/", views.password_reset, name="password_reset"),
    path("account/", views.account, name="account"),
    path("account/password/", views.change_password, name="change_password"),
]
