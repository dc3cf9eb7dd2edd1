"""/portal/people/"""

from django.urls import path

from apps.identity.portal import views

app_name = "identity"
urlpatterns = [
    path("", views.people, name="people"),
    path("invite/", views.invite, name="invite"),
    path("audit/", views.audit, name="audit"),
    path("<uuid:user_id>/", views.person, name="person"),
    path("<uuid:user_id>/resend/", views.resend, name="resend"),
    path("<uuid:user_id>/revoke/", views.revoke, name="revoke"),
    path("<uuid:user_id>/deactivate/", views.deactivate, name="deactivate"),
    path("<uuid:user_id>/reactivate/", views.reactivate, name="reactivate"),
]
