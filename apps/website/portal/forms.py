"""What editors of the public site fill in."""

from __future__ import annotations

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from apps.website.models import SchoolProfile
from apps.website.services.documents import MAX_BYTES

MARKDOWN_HINT = _(
    "Leave an empty line between paragraphs. “## Heading”, “- list item”, “**bold**”, "
    "“[text](https://address)”."
)


class ProfileForm(forms.ModelForm[SchoolProfile]):
    class Meta:
        model = SchoolProfile
        fields = ("hero_title", "hero_text", "about", "principal", "hours")
        help_texts = {
            "hero_title": _("Empty: the school's name."),
            "about": MARKDOWN_HINT,
        }
        widgets = {
            "about": forms.Textarea(attrs={"rows": 10}),
            "hours": forms.Textarea(attrs={"rows": 3}),
        }


class NewsForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=120)
    body = forms.CharField(
        label=_("Text"),
        max_length=50_000,
        help_text=MARKDOWN_HINT,
        widget=forms.Textarea(attrs={"rows": 14}),
    )
    author_name = forms.CharField(
        label=_("Author"),
        max_length=120,
        required=False,
        help_text=_("Shown below the title. Leave empty to show none."),
    )
    pinned = forms.BooleanField(label=_("Keep at the top of the news"), required=False)


class PageForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=120)
    body = forms.CharField(
        label=_("Text"),
        max_length=50_000,
        help_text=MARKDOWN_HINT,
        widget=forms.Textarea(attrs={"rows": 16}),
    )
    menu_order = forms.IntegerField(
        label=_("Place in the menu"),
        min_value=0,
        max_value=9999,
        initial=100,
        help_text=_("Smaller numbers come first."),
    )
    is_published = forms.BooleanField(label=_("Show on the public site"), required=False)


class StaffForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    position = forms.CharField(label=_("Position"), max_length=120)
    email = forms.EmailField(
        label=_("E-mail"), required=False, help_text=_("Shown to everybody. Leave empty to hide.")
    )
    order = forms.IntegerField(
        label=_("Place in the list"),
        min_value=0,
        max_value=9999,
        initial=100,
        help_text=_("Smaller numbers come first."),
    )
    is_published = forms.BooleanField(
        label=_("Show on the public site"), required=False, initial=True
    )


class DocumentForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=120)
    is_published = forms.BooleanField(
        label=_("Show on the public site"), required=False, initial=True
    )


class UploadForm(DocumentForm):
    file = forms.FileField(
        label=_("File"),
        help_text=format_lazy(
            _("PDF, office document, picture or text, at most {size} MB."),
            size=MAX_BYTES // 1_000_000,
        ),
    )
    field_order = ["file", "title", "is_published"]
