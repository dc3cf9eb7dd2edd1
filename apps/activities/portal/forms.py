"""Forms of the activities and calendar pages."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.activities.contracts import ActivityInfo, CalendarItem
from apps.activities.models import CalendarEntry
from apps.activities.services.activities import ActivityDetails
from apps.activities.services.calendar import EntryDetails
from apps.activities.services.moments import is_possible
from kernel import schools
from kernel.errors import DomainError
from kernel.money import amount_text, parse_amount


def refuse(form: forms.Form, error: DomainError) -> None:
    """Show a service's complaint at its field, or above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


class Moment(forms.DateTimeField):
    """A date and time in the school's zone, by the browser's own field."""

    FORMAT = "%Y-%m-%dT%H:%M"

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=self.FORMAT)
        super().__init__(widget=widget, input_formats=[self.FORMAT, "%Y-%m-%dT%H:%M:%S"], **kwargs)


class ActivityForm(forms.Form):
    """An activity. The fee is typed as people write money and kept in minor units."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    place = forms.CharField(label=gettext_lazy("Place"), max_length=120, required=False)
    starts_at = Moment(label=gettext_lazy("Starts"))
    ends_at = Moment(label=gettext_lazy("Ends"))
    signup_opens_at = Moment(
        label=gettext_lazy("Sign-up opens"),
        required=False,
        help_text=gettext_lazy("As soon as it is published, when empty."),
    )
    signup_closes_at = Moment(
        label=gettext_lazy("Sign-up closes"),
        required=False,
        help_text=gettext_lazy("When the activity starts, when empty."),
    )
    places = forms.IntegerField(
        label=gettext_lazy("Places"),
        required=False,
        min_value=1,
        max_value=100_000,
        help_text=gettext_lazy("Empty: no limit. When all are taken, families can wait."),
    )
    fee = forms.CharField(
        label=gettext_lazy("Fee"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("Empty: free. Families get an invoice when they have a place."),
    )
    needs_permission = forms.BooleanField(
        label=gettext_lazy("A parent must give permission"), required=False
    )

    def clean_fee(self) -> int:
        text = self.cleaned_data["fee"]
        if not text:
            return 0
        try:
            return parse_amount(text, schools.current_school().currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def details(self) -> ActivityDetails:
        data = dict(self.cleaned_data)
        return ActivityDetails(fee_minor=data.pop("fee"), **data)


def activity_initial(activity: ActivityInfo) -> dict[str, Any]:
    """What the form shows of a known activity."""
    names = [name for name in ActivityForm.base_fields if name != "fee"]
    fee = amount_text(activity.fee_minor, activity.currency) if activity.fee_minor else ""
    return {**{name: getattr(activity, name) for name in names}, "fee": fee}


class _Date(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **kwargs)

    def to_python(self, value: Any) -> date | None:
        day = super().to_python(value)
        if day is not None and not is_possible(day):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return day


class _Time(forms.TimeField):
    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
        super().__init__(widget=widget, input_formats=["%H:%M", "%H:%M:%S"], **kwargs)


class EntryForm(forms.Form):
    """A calendar entry; without a start time it lasts the whole day."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    starts_on = _Date(label=gettext_lazy("Day"))
    starts_time = _Time(
        label=gettext_lazy("From"), required=False, help_text=gettext_lazy("Empty: all day.")
    )
    ends_on = _Date(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("Empty: the same day."),
    )
    ends_time = _Time(label=gettext_lazy("To"), required=False)
    place = forms.CharField(label=gettext_lazy("Place"), max_length=120, required=False)
    audience = forms.ChoiceField(
        label=gettext_lazy("Who sees it"), choices=CalendarEntry.Audience.choices
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("ends_time") and not data.get("starts_time"):
            self.add_error("starts_time", _("An end time needs a start time."))
        return data

    def details(self) -> EntryDetails:
        data = self.cleaned_data
        starts_at, ends_at = self._span()
        return EntryDetails(
            title=data["title"],
            starts_at=starts_at,
            ends_at=ends_at,
            all_day=data["starts_time"] is None,
            place=data["place"],
            audience=data["audience"],
        )

    def _span(self) -> tuple[datetime, datetime]:
        data = self.cleaned_data
        first, last = data["starts_on"], data["ends_on"] or data["starts_on"]
        if data["starts_time"] is None:
            return _local(first, time.min), _local(last + timedelta(days=1), time.min)
        starts_at = _local(first, data["starts_time"])
        if data["ends_time"] is None and last == first:
            return starts_at, starts_at + timedelta(hours=1)
        return starts_at, _local(last, data["ends_time"] or time(23, 59))


def _local(day: Any, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=timezone.get_current_timezone())


def entry_initial(entry: CalendarItem) -> dict[str, Any]:
    """What the form shows of a known entry."""
    starts, ends = timezone.localtime(entry.starts_at), timezone.localtime(entry.ends_at)
    last = (ends - timedelta(seconds=1)).date() if entry.all_day else ends.date()
    return {
        "title": entry.title,
        "starts_on": starts.date(),
        "starts_time": None if entry.all_day else starts.time(),
        "ends_on": last if last > starts.date() else None,
        "ends_time": None if entry.all_day else ends.time(),
        "place": entry.place,
        "audience": entry.audience,
    }
