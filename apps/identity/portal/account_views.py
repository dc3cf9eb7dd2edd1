"""Signing in and out, invitations, forgotten passwords, one's own account."""

from django.contrib import auth, messages
from django.forms import Form
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.identity.models import User
from apps.identity.portal import forms, landing
from apps.identity.services import accounts, invitations, passwords, resets, sign_in
from apps.identity.services.invitations import LinkRefused
from kernel.access import PUBLIC, SIGNED_IN, Anonymous, access
from kernel.errors import DomainError, Invalid
from kernel.languages import remember_language

GET_OR_POST = require_http_methods(["GET", "HEAD", "POST"])


def blame(form: Form, error: DomainError) -> None:
    """Show a service's refusal at its field, or above the form."""
    field = error.field if error.field in form.fields else None
    form.add_error(field, str(error))


@access(PUBLIC)
@sensitive_post_parameters("password")
@never_cache
@GET_OR_POST
def sign_in_page(request: HttpRequest) -> HttpResponseBase:
    if request.user.is_authenticated:
        return redirect(landing.safe_next(request) or landing.home_of(landing.signed_in(request)))
    form = forms.SignInForm(request.POST or None)
    status = 200
    if form.is_valid():
        try:
            user = sign_in.check_credentials(
                **form.cleaned_data, address=landing.client_address(request)
            )
        except DomainError as error:
            blame(form, error)
            status = 429 if error.status == 429 else 200
        else:
            return landing.enter(request, user)
    context = {"form": form, "next": landing.safe_next(request)}
    return render(request, "identity/sign_in.html", context, status=status)


@access(PUBLIC)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    auth.logout(request)
    request.user = Anonymous()  # type: ignore[assignment]
    messages.success(request, _("You are signed out."))
    return redirect("account:sign_in")


@access(PUBLIC)
@sensitive_post_parameters("password", "again")
@never_cache
@GET_OR_POST
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    try:
        pending = invitations.open_invitation(token)
        form = forms.NewPasswordForm(request.POST or None)
        if form.is_valid() and (user := _accept(form, token)):
            messages.success(request, _("Welcome! Your account is ready."))
            return landing.enter(request, user)
    except LinkRefused as refusal:
        return _refused(request, refusal, "invitation")
    context = {"form": form, "user": pending.user}
    return render(request, "identity/invitation.html", context)


def _accept(form: Form, token: str) -> User | None:
    try:
        return invitations.accept_invitation(token=token, password=form.cleaned_data["password"])
    except Invalid as error:
        blame(form, error)
        return None


def _refused(request: HttpRequest, refusal: LinkRefused, kind: str) -> HttpResponseBase:
    """A dead link is nobody's fault: say what happened and what to do next."""
    context = {"refusal": refusal, "kind": kind}
    return render(request, "identity/link_refused.html", context, status=refusal.status)


@access(PUBLIC)
@never_cache
@GET_OR_POST
def password_forgotten(request: HttpRequest) -> HttpResponseBase:
    form = forms.ForgottenForm(request.POST or None)
    status = 200
    if form.is_valid():
        try:
            resets.request_reset(
                email=form.cleaned_data["email"], address=landing.client_address(request)
            )
        except DomainError as error:
            blame(form, error)
            status = error.status
        else:
            return redirect("account:password_sent")
    return render(request, "identity/password_forgotten.html", {"form": form}, status=status)


@access(PUBLIC)
@require_safe
def password_sent(request: HttpRequest) -> HttpResponseBase:
    return render(request, "identity/password_sent.html")


@access(PUBLIC)
@sensitive_post_parameters("password", "again")
@never_cache
@GET_OR_POST
def password_reset(request: HttpRequest, token: str) -> HttpResponseBase:
    try:
        pending = resets.open_reset(token)
        form = forms.NewPasswordForm(request.POST or None)
        if form.is_valid() and (user := _reset(form, token)):
            messages.success(request, _("Your new password is set."))
            return landing.enter(request, user)
    except LinkRefused as refusal:
        return _refused(request, refusal, "password")
    context = {"form": form, "user": pending.user}
    return render(request, "identity/password_reset.html", context)


def _reset(form: Form, token: str) -> User | None:
    try:
        return resets.reset_password(token=token, password=form.cleaned_data["password"])
    except Invalid as error:
        blame(form, error)
        return None


@access(SIGNED_IN)
@never_cache
@GET_OR_POST
def account(request: HttpRequest) -> HttpResponseBase:
    user = landing.signed_in(request)
    initial = {"name": user.name, "language": user.language}
    form = forms.ProfileForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            accounts.update_profile(user=user, **form.cleaned_data)
        except Invalid as error:
            blame(form, error)
        else:
            return _saved(request, user)
    context = {"form": form, "user": user, "home": landing.home_of(user)}
    return render(request, "identity/account.html", context)


def _saved(request: HttpRequest, user: User) -> HttpResponseBase:
    with override(user.language or get_language()):
        messages.success(request, str(_("Saved.")))
    response = redirect("account:account")
    remember_language(response, user.language)
    return response


@access(SIGNED_IN)
@sensitive_post_parameters("current", "password", "again")
@never_cache
@GET_OR_POST
def change_password(request: HttpRequest) -> HttpResponseBase:
    user = landing.signed_in(request)
    form = forms.ChangePasswordForm(request.POST or None)
    if form.is_valid() and _change(form, user):
        auth.update_session_auth_hash(request, user)
        messages.success(
            request, _("Your password is changed. You were signed out everywhere else.")
        )
        return redirect("account:account")
    return render(request, "identity/change_password.html", {"form": form})


def _change(form: Form, user: User) -> bool:
    values = form.cleaned_data
    try:
        passwords.change_password(user=user, current=values["current"], new=values["password"])
    except DomainError as error:
        blame(form, error)
        return False
    return True
