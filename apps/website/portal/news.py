"""Writing news, with a preview of how it will look."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.website import selectors
from apps.website.models import NewsPost
from apps.website.permissions import EDIT_SITE
from apps.website.portal.forms import NewsForm
from apps.website.portal.frame import actor_of, tabs
from apps.website.services import news
from apps.website.services.text import to_html
from kernel.access import access
from kernel.pages import paginate, query

MAX_PREVIEW = 50_000


@access(EDIT_SITE)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    q = query(request)
    drafts = request.GET.get("show") == "drafts"
    page = paginate(request, selectors.all_news(search=q, drafts_only=drafts))
    context = {
        "page": page,
        "q": q,
        "drafts": drafts,
        "keep": {"show": "drafts"} if drafts else {},
        "tabs": tabs("news"),
    }
    return render(request, "website/portal/news_list.html", context)


@access(EDIT_SITE)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = NewsForm(
        request.POST or None, initial={"author_name": getattr(request.user, "name", "")}
    )
    if _wants_preview(request):
        return _page(request, form, None)
    if request.method == "POST" and form.is_valid():
        post = news.create_news(**form.cleaned_data)
        return _after_saving(request, post)
    return _page(request, form, None)


@access(EDIT_SITE)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, news_id: UUID) -> HttpResponse:
    post = selectors.get_news(news_id=news_id)
    start = {name: getattr(post, name) for name in NewsForm.base_fields}
    form = NewsForm(request.POST or None, initial=start)
    if _wants_preview(request):
        return _page(request, form, post)
    if request.method == "POST" and form.is_valid():
        return _after_saving(request, news.change_news(news_id=news_id, **form.cleaned_data))
    return _page(request, form, post)


def _wants_preview(request: HttpRequest) -> bool:
    return request.method == "POST" and "preview" in request.POST


def _page(request: HttpRequest, form: NewsForm, post: NewsPost | None) -> HttpResponse:
    text = request.POST.get("body", post.body if post else "")[:MAX_PREVIEW]
    context = {"form": form, "post": post, "preview": to_html(text), "tabs": tabs("news")}
    return render(request, "website/portal/news_edit.html", context)


def _after_saving(request: HttpRequest, post: NewsPost) -> HttpResponse:
    if "publish" in request.POST:
        return publish(request, news_id=post.id)
    messages.success(request, _("Saved.") if post.is_published else _("Saved as a draft."))
    return redirect("website:news_edit", news_id=post.id)


@access(EDIT_SITE)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The text as the public will see it, for htmx."""
    html = to_html(request.POST.get("body", "")[:MAX_PREVIEW])
    return render(request, "website/portal/preview.html", {"preview": html})


@access(EDIT_SITE)
@require_POST
def publish(request: HttpRequest, news_id: UUID) -> HttpResponse:
    news.publish_news(news_id=news_id, actor=actor_of(request))
    messages.success(request, _("Published: everybody can read it now."))
    return redirect("website:news_edit", news_id=news_id)


@access(EDIT_SITE)
@require_POST
def withdraw(request: HttpRequest, news_id: UUID) -> HttpResponse:
    news.withdraw_news(news_id=news_id)
    messages.success(request, _("Taken off the public site. It is a draft again."))
    return redirect("website:news_edit", news_id=news_id)


@access(EDIT_SITE)
@require_POST
def delete(request: HttpRequest, news_id: UUID) -> HttpResponse:
    news.delete_news(news_id=news_id)
    messages.success(request, _("Deleted."))
    return redirect("website:news")
