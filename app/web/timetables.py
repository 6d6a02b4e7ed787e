"""What mentors type about when they can be booked: the week, exceptions to it, and rules."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    Field,
    FieldList,
    Form,
    FormField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
    ValidationError,
)
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.actions.opening_hours import Rules, Span
from app.kit import policy
from app.kit.calendar import clock_face, overlapping
from app.models.availability import ExceptionKind
from app.models.mentor import Mentor
from app.web.forms import tidy

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_RANGES = 6  # in a day
BUFFERS = (0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240)


class RangeForm(Form):  # type: ignore[misc]
    """A range of a day: both times, or none."""

    start = StringField("From", filters=[tidy], validators=[Optional()])
    end = StringField("Until", filters=[tidy])

    def validate_end(self, field: Field) -> None:
        if bool(self.start.data) != bool(field.data):
            raise ValidationError("Please give both times, or none to leave it out.")
        if self.start.data and not self.start.errors and minute_of(self.start.data) >= minute_of(field.data):
            raise ValidationError("This should be later than the start.")

    def validate_start(self, field: Field) -> None:
        if field.data:
            minute_of(field.data)

    @property
    def minutes(self) -> tuple[int, int]:
        return minute_of(self.start.data), minute_of(self.end.data)


class DayForm(Form):  # type: ignore[misc]
    """One weekday: some ranges, or none for a day off."""

    ranges = FieldList(FormField(RangeForm), min_entries=1, max_entries=MOST_RANGES)

    weekday_name: str

    @property
    def can_take_more(self) -> bool:
        return len(self.ranges) < MOST_RANGES

    def validate_ranges(self, field: Field) -> None:
        if any(field.errors):
            return  # first things first
        given = {entry.form.minutes: entry.form for entry in field if entry.form.start.data}
        if len(given) < sum(bool(entry.form.start.data) for entry in field):
            raise ValidationError(_blame(field[-1].form, "This range is there already."))
        found = overlapping(given)
        if found is not None:
            start, end = map(clock_face, found[0])
            raise ValidationError(_blame(given[found[1]], f"This overlaps {start} to {end}."))


class WeekForm(FlaskForm):  # type: ignore[misc]
    days = FieldList(FormField(DayForm), min_entries=7, max_entries=7)
    submit = SubmitField("Save weekly hours")

    @classmethod
    def of(cls, mentor: Mentor, *, posted: bool = False) -> "WeekForm":
        """The form, filled from what was posted, else from the mentor's hours."""
        days: list[dict[str, Any]] = [{"ranges": []} for _ in WEEKDAYS]
        for row in mentor.weekly_hours:
            start, end = map(clock_face, row.minutes)
            days[row.weekday]["ranges"].append({"start": start, "end": end})
        form = cls(data={"days": days}) if posted else cls(None, data={"days": days})
        for entry, name in zip(form.days, WEEKDAYS, strict=False):
            entry.form.weekday_name = name
        return form

    def add_range(self, day: str) -> Field | None:
        """One more row on that day, if it can take more; the field to type into."""
        found = next((entry.form for entry in self.days if entry.form.weekday_name == day), None)
        if found is None or not found.can_take_more:
            return None
        return found.ranges.append_entry().form.start

    @property
    def hours(self) -> Iterator[tuple[int, int, int]]:
        """Weekday, start and end of each range."""
        for day, entry in enumerate(self.days):
            for row in entry.form.ranges:
                if row.form.start.data:
                    yield day, *row.form.minutes


class DayField(DateField):  # type: ignore[misc]
    """A day as browsers send it."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            self.data = _day(text)


class CountField(IntegerField):  # type: ignore[misc]
    """A whole number in plain digits, or nothing."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        if text and not (text.isascii() and text.isdigit() and len(text) <= 6):
            raise ValueError("Please give a whole number, or leave it empty.")
        self.data = int(text) if text else None


class DaysOffForm(FlaskForm):  # type: ignore[misc]
    first_day = DayField("First day off", validators=[InputRequired("Please pick a day.")])
    last_day = DayField("Last day off", validators=[Optional()], description="Empty for a single day.")
    submit = SubmitField("Take these days off")

    @property
    def span(self) -> Span:
        first: date = self.first_day.data
        return Span(ExceptionKind.OFF, first, self.last_day.data or first)


class DayHoursForm(RangeForm, FlaskForm):  # type: ignore[misc]
    first_day = DayField("Day", validators=[InputRequired("Please pick a day.")])
    start = StringField("From", filters=[tidy], validators=[InputRequired("Please give a time like 09:00.")])
    end = StringField("Until", filters=[tidy], validators=[InputRequired("Please give a time like 17:00.")])
    kind = RadioField(
        "These hours are",
        choices={
            ExceptionKind.EXTRA.value: "extra, beside my other hours of that day",
            ExceptionKind.INSTEAD.value: "all of that day, instead of my weekly hours",
        },
        default=ExceptionKind.EXTRA.value,
    )
    submit = SubmitField("Open these hours")

    @property
    def span(self) -> Span:
        day: date = self.first_day.data
        return Span(ExceptionKind(self.kind.data), day, day, self.minutes)


class RulesForm(FlaskForm):  # type: ignore[misc]
    buffer_before = SelectField("Free before a session", coerce=int)
    buffer_after = SelectField("Free after a session", coerce=int)
    notice_hours = CountField(
        "Notice, in hours", validators=[Optional(), NumberRange(1, 720, "From 1 to 720, please.")]
    )
    horizon_days = CountField(
        "Booked ahead, in days", validators=[Optional(), NumberRange(1, 365, "From 1 to 365, please.")]
    )
    daily_cap = CountField("Sessions a day", validators=[Optional(), NumberRange(1, 24, "From 1 to 24, please.")])
    durations = SelectMultipleField(
        "Lengths that one can book", coerce=int, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    submit = SubmitField("Save my rules")

    @classmethod
    def of(cls, mentor: Mentor, *, posted: bool = False) -> "RulesForm":
        """The form, filled from what was posted, else from the mentor's rules."""
        rules = {**vars(Rules.of(mentor)), "durations": mentor.lengths}
        form = cls(data=rules, prefix="rules") if posted else cls(None, data=rules, prefix="rules")
        for field, kept in ((form.buffer_before, mentor.buffer_before), (form.buffer_after, mentor.buffer_after)):
            field.choices = {str(n): f"{n} minutes" if n else "Nothing" for n in sorted({*BUFFERS, kept})}
        form.durations.choices = {str(n): f"{n} minutes" for n in policy.current().durations}
        return form

    @property
    def rules(self) -> Rules:
        chosen = tuple(n for n in policy.current().durations if n in self.durations.data)
        return Rules(
            buffer_before=self.buffer_before.data,
            buffer_after=self.buffer_after.data,
            notice_hours=self.notice_hours.data,
            daily_cap=self.daily_cap.data,
            horizon_days=self.horizon_days.data,
            durations=None if chosen == policy.current().durations else chosen,
        )


def minute_of(text: str) -> int:
    """Minutes since midnight of ``09:00``; 24:00 is the end of the day. Raises: ValidationError."""
    hour, _, minute = text.partition(":")
    digits = hour + minute
    if not (
        digits.isascii()
        and digits.isdigit()
        and len(hour) in (1, 2)
        and len(minute) == 2
        and int(minute) < 60
        and int(hour) * 60 + int(minute) <= 24 * 60
        and (int(hour) * 60 + int(minute)) % 5 == 0
    ):
        raise ValidationError("Please give a time like 09:00, on a multiple of five minutes.")
    return int(hour) * 60 + int(minute)


def _day(text: str) -> date:
    """Raises: ValueError."""
    try:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError("that is not how browsers write a day")
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("Please give a day like 2026-07-31.") from error


def _blame(form: RangeForm, words: str) -> str:
    """Put the words next to a range."""
    form.start.errors = [*form.start.errors, words]
    return words
