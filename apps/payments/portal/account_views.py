"""Gateway accounts in the staff portal. A key goes in once and is never shown again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.payments import contracts, models, selectors
from apps.payments.permissions import MANAGE_ACCOUNTS
from apps.payments.portal import labels
from apps.payments.portal.forms import AccountForm, KeyForm, RenameForm, SecretForm
from apps.payments.portal.views import tabs
from apps.payments.services import account_care, accounts, webhook_secrets
from kernel.access import access
from kernel.errors import DomainError, NotFound


@access(MANAGE_ACCOUNTS)
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    rows = selectors.list_accounts()
    sandboxes = {account.provider for account in rows if account.mode == "sandbox"}
    practice = [(key, name) for key, name in labels.PROVIDER.items() if key not in sandboxes]
    context = {
        "rows": [(account, labels.MODE[account.mode]) for account in rows],
        "none_in_use": bool(rows) and not any(account.is_default for account in rows),
        "practice": practice if settings.SANDBOX_URL else [],
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
            account = accounts.connect_account(**form.cleaned_data, actor=_actor(request))
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, _("Connected. Test it, then make it the one that is used."))
            return redirect("payments:account", account.id)
    status = 422 if form.errors else 200
    return render(request, "payments/account_add.html", {"form": form}, status=status)


@access(MANAGE_ACCOUNTS)
@require_GET
def account_detail(request: HttpRequest, account_id: UUID) -> HttpResponse:
    return _detail(request, account_id)


def _detail(request: HttpRequest, account_id: UUID, **bound: forms.Form) -> HttpResponse:
    """The account's page; `bound`: the form that was sent and is wrong."""
    account = selectors.get_account(account_id)
    context = {
        "account": account,
        "mode": labels.MODE[account.mode],
        "provider": labels.PROVIDER[account.provider],
        "address": accounts.webhook_address(accounts.get_account(account_id)),
        "use": selectors.account_use(account_id),
        "rename_form": bound.get("rename_form") or RenameForm(initial={"label": account.label}),
        "key_form": bound.get("key_form") or KeyForm(),
        "has_secret": webhook_secrets.has_secret(account.provider),
        "secret_form": bound.get("secret_form") or SecretForm(),
    }
    return render(request, "payments/account.html", context, status=422 if bound else 200)


def _changed(
    request: HttpRequest,
    account_id: UUID,
    form: forms.Form,
    name: str,
    change: Callable[..., contracts.AccountInfo],
    done: str,
) -> HttpResponse:
    """Carry out what a form of the account's page asks for, or show what is wrong with it."""
    if form.is_valid():
        try:
            change(account_id=account_id, **form.cleaned_data, actor=_actor(request))
        except NotFound:
            raise
        except DomainError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, done)
            return redirect("payments:account", account_id)
    return _detail(request, account_id, **{name: form})


@access(MANAGE_ACCOUNTS)
@require_POST
def account_rename(request: HttpRequest, account_id: UUID) -> HttpResponse:
    form = RenameForm(request.POST)
    done = _("Saved.")
    return _changed(request, account_id, form, "rename_form", account_care.rename, done)


@access(MANAGE_ACCOUNTS)
@sensitive_post_parameters("secret_key")
@require_POST
def account_key(request: HttpRequest, account_id: UUID) -> HttpResponse:
    form = KeyForm(request.POST)
    done = _("The new key works and is used from now on.")
    return _changed(request, account_id, form, "key_form", account_care.replace_key, done)


@access(MANAGE_ACCOUNTS)
@sensitive_post_parameters("secret")
@require_POST
def account_secret(request: HttpRequest, account_id: UUID) -> HttpResponse:
    form = SecretForm(request.POST)
    done = _("Saved. Messages signed with the old secret are taken for one more day.")
    return _changed(request, account_id, form, "secret_form", webhook_secrets.enter, done)


@access(MANAGE_ACCOUNTS)
@require_POST
def account_rotate(request: HttpRequest, account_id: UUID) -> HttpResponse:
    try:
        webhook_secrets.rotate(account_id=account_id, actor=_actor(request))
    except NotFound:
        raise
    except DomainError as error:
        message = _("The gateway made no new secret, the old one stays: %(problem)s")
        messages.error(request, message % {"problem": error})
    else:
        messages.success(
            request,
            _("There is a new signing secret. The old one is taken for one more day."),
        )
    return redirect("payments:account", account_id)


@access(MANAGE_ACCOUNTS)
@require_POST
def account_check(request: HttpRequest, account_id: UUID) -> HttpResponse:
    try:
        accounts.check_account(account_id=account_id)
        completed = accounts.complete_webhook(account_id=account_id, actor=_actor(request))
    except NotFound:
        raise
    except DomainError as error:
        message = _("The gateway does not accept this account: %(problem)s")
        messages.error(request, message % {"problem": error})
    else:
        if completed:
            message = _("The gateway did not tell us of disputes or other news yet. Now it does.")
            messages.info(request, message)
        _tell_check(request, problem=accounts.get_account(account_id).problem)
    return redirect("payments:account", account_id)


def _tell_check(request: HttpRequest, *, problem: str) -> None:
    if problem:
        message = _("The key works, but the gateway cannot send messages here: %(problem)s")
        messages.warning(request, message % {"problem": _(problem)})
    else:
        messages.success(request, _("The gateway answers and the key works."))


@access(MANAGE_ACCOUNTS)
@require_POST
def account_default(request: HttpRequest, account_id: UUID) -> HttpResponse:
    account = accounts.make_default(account_id=account_id, actor=_actor(request))
    messages.success(
        request, _("New payments now go through “%(label)s”.") % {"label": account.label}
    )
    return redirect("payments:account", account_id)


@access(MANAGE_ACCOUNTS)
@require_POST
def account_offer(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Let families choose the account beside the one in use (on=1), or no longer."""
    on = request.POST.get("on") == "1"
    account = accounts.offer_account(account_id=account_id, offered=on, actor=_actor(request))
    done = (
        _("Families may choose “%(label)s” now.")
        if on
        else _("Families can no longer choose “%(label)s”.")
    )
    messages.success(request, done % {"label": account.label})
    return redirect("payments:account", account_id)


@access(MANAGE_ACCOUNTS)
@require_POST
def account_switch(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Turn the account off or, with on=1, on again."""
    on = request.POST.get("on") == "1"
    switch = account_care.turn_on if on else account_care.turn_off
    account = switch(account_id=account_id, actor=_actor(request))
    done = _("“%(label)s” is on.") if on else _("“%(label)s” is off and takes no new payments.")
    messages.success(request, done % {"label": account.label})
    return redirect("payments:account", account_id)


@access(MANAGE_ACCOUNTS)
@require_POST
def open_sandbox(request: HttpRequest) -> HttpResponse:
    if not settings.SANDBOX_URL:
        raise NotFound(_("There is no practice gateway on this installation."))
    provider = request.POST.get("provider") or models.STRIPE
    if provider not in labels.PROVIDER:
        raise NotFound(_("There is no such gateway."))
    accounts.create_sandbox_account(provider=provider, actor=_actor(request))
    messages.success(request, _("The practice gateway is ready."))
    return redirect("payments:accounts")


def _actor(request: Any) -> str:
    return str(request.user.email)
