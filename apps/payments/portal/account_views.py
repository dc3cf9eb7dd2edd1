"""Gateway accounts in the staff portal. A key goes in once and is never shown again."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.payments import selectors
from apps.payments.permissions import MANAGE_ACCOUNTS
from apps.payments.portal import labels
from apps.payments.portal.forms import AccountForm
from apps.payments.portal.views import tabs
from apps.payments.services import accounts
from kernel.access import access
from kernel.errors import DomainError, NotFound


@access(MANAGE_ACCOUNTS)
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    rows = selectors.list_accounts()
    has_sandbox = any(account.mode == "sandbox" for account in rows)
    context = {
        "rows": [(account, labels.MODE[account.mode]) for account in rows],
        "may_open_sandbox": bool(settings.SANDBOX_URL) and not has_sandbox,
        "tabs": tabs(request),
    }
    return render(request, "payments/account_list.html", context)


@access(MANAGE_ACCOUNTS)
@sensitive_post_parameters("secret_key")
@require_http_methods(["GET", "POST"])
def account_add(request: HttpRequest) -> HttpResponse:
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.connect_account(**form.cleaned_data, actor=request.user.email)  # type: ignore[union-attr]
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("Connected. Test it, then make it the one that is used."))
            return redirect("payments:accounts")
    status = 422 if form.errors else 200
    return render(request, "payments/account_add.html", {"form": form}, status=status)


@access(MANAGE_ACCOUNTS)
@require_POST
def account_check(request: HttpRequest, account_id: UUID) -> HttpResponse:
    try:
        account = accounts.check_account(account_id=account_id)
    except NotFound:
        raise
    except DomainError as error:
        message = _("The gateway does not accept this account: %(problem)s")
        messages.error(request, message % {"problem": error})
    else:
        _tell_check(request, problem=account.problem)
    return redirect("payments:accounts")


def _tell_check(request: HttpRequest, *, problem: str) -> None:
    if problem:
        message = _("The key works, but the gateway cannot send messages here: %(problem)s")
        messages.warning(request, message % {"problem": _(problem)})
    else:
        messages.success(request, _("The gateway answers and the key works."))


@access(MANAGE_ACCOUNTS)
@require_POST
def account_default(request: HttpRequest, account_id: UUID) -> HttpResponse:
    account = accounts.make_default(account_id=account_id)
    messages.success(
        request, _("New payments now go through “%(label)s”.") % {"label": account.label}
    )
    return redirect("payments:accounts")


@access(MANAGE_ACCOUNTS)
@require_POST
def open_sandbox(request: HttpRequest) -> HttpResponse:
    if not settings.SANDBOX_URL:
        raise NotFound(_("There is no practice gateway on this installation."))
    accounts.create_sandbox_account()
    messages.success(request, _("The practice gateway is ready."))
    return redirect("payments:accounts")
