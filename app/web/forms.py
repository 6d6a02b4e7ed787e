"""What people type: fields, limits, and errors that say what to do."""

import secrets
import string
import unicodedata
from datetime import UTC, datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    Form,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    SubmitField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.widgets import HiddenInput

from app.actions.accounts import LONGEST_PASSWORD, SHORTEST_PASSWORD
from app.kit.calendar import zone_names
from app.kit.errors import Invalid
from app.kit.money import Money
from app.kit.terms import Terms

TERMS = (
    SelectChoice(Terms.FLEXIBLE.value, "Flexible: nothing is charged"),
    SelectChoice(Terms.STANDARD.value, "Standard: half the price is charged"),
    SelectChoice(Terms.STRICT.value, "Strict: the whole price is charged"),
)
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "CAD", "AUD", "SEK", "KWD")
LEAST_RATE_MINOR, MOST_RATE_MINOR = 100, 10_000_000

# Letters that turn the reading direction of what follows them: a name could rewrite the sentence it stands in.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


INVISIBLE = string.whitespace + "\u00a0\u200b\u3000\ufeff"


def tidy(text: str | None) -> str | None:
    """One spelling for equal letters, one kind of line break, no white space around."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip(INVISIBLE) if text else text


class Written:
    """Text without control characters; line breaks only where several ``lines`` are wanted."""

    def __init__(self, *, lines: bool = False) -> None:
        self._allowed = "\n\t" if lines else ""

    def __call__(self, form: Form, field: Field) -> None:
        for letter in field.data or "":
            if letter in _TURNING or (unicodedata.category(letter) in ("Cc", "Cs") and letter not in self._allowed):
                raise ValidationError("This contains a character that cannot be shown. Please type it again.")


def _text(label: str, most: int, **rest: Any) -> StringField:
    return StringField(
        label,
        filters=[tidy],
        validators=[
            DataRequired("Please fill this in."),
            Length(max=most, message=f"At most {most} characters, please."),
            Written(),
        ],
        **rest,
    )


def _long_text(label: str, most: int, **rest: Any) -> TextAreaField:
    return TextAreaField(
        label,
        filters=[tidy],
        validators=[Optional(), Length(max=most, message=f"At most {most} characters, please."), Written(lines=True)],
        **rest,
    )


def _zone(label: str = "Time zone") -> SelectField:
    return SelectField(label, choices=zone_names(), validators=[InputRequired()])


def _a_real_address(form: Form, field: Field) -> None:
    try:
        validate_email(field.data, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValidationError("Please give an e-mail address like ann@example.com.") from error


class SignUpForm(FlaskForm):  # type: ignore[misc]
    name = _text("Your name", 80, render_kw={"autocomplete": "name"})
    email = EmailField(
        "E-mail",
        filters=[tidy],
        render_kw={"autocomplete": "email"},
        validators=[InputRequired("Please fill this in."), Length(max=254), Written(), _a_real_address],
    )
    password = PasswordField(
        "Password",
        render_kw={"autocomplete": "new-password"},
        validators=[
            InputRequired("Please choose a password."),
            Length(
                SHORTEST_PASSWORD,
                LONGEST_PASSWORD,
                f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
            ),
        ],
        description=f"At least {SHORTEST_PASSWORD} characters. A few random words are good.",
    )
    time_zone = _zone()
    next = HiddenField()
    submit = SubmitField("Create my account")


class LogInForm(FlaskForm):  # type: ignore[misc]
    email = EmailField(
        "E-mail",
        filters=[tidy],
        validators=[InputRequired("Please fill this in."), Length(max=254), Written()],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        "Password",
        render_kw={"autocomplete": "current-password"},
        validators=[InputRequired("Please fill this in."), Length(max=LONGEST_PASSWORD)],
    )
    next = HiddenField()
    submit = SubmitField("Log in")


class SettingsForm(FlaskForm):  # type: ignore[misc]
    name = _text("Your name", 80, render_kw={"autocomplete": "name"})
    time_zone = _zone()
    submit = SubmitField("Save")


def _instant(form: Form, field: Field) -> None:
    try:
        field.instant = parse_instant(field.data)
    except Invalid as error:
        raise ValidationError(str(error)) from error


def parse_instant(text: str | None) -> datetime:
    """A UTC instant as the ``iso`` filter writes it. Raises: Invalid."""
    try:
        instant = datetime.strptime(text or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if not 2000 <= instant.year < 3000:
            raise ValueError("beyond the calendar")
        return instant
    except ValueError as error:
        raise Invalid("Please pick a time from the mentor's page.", field="starts_at") from error


class BookingForm(FlaskForm):  # type: ignore[misc]
    title = _text("What is it about?", 120, description="One line, so that your mentor knows what to expect.")
    description = _long_text(
        "Anything to prepare?", 1000, description="Links, questions, where you are stuck. Optional."
    )
    mentor = HiddenField(validators=[InputRequired()])
    minutes = HiddenField(validators=[Regexp(r"^[0-9]{1,3}\Z", message="A session has a length in minutes.")])
    starts_at = HiddenField(validators=[_instant])
    trial = HiddenField(validators=[AnyOf(("", "yes"), message="A trial is free, or it is none.")], default="")
    request_key = HiddenField(
        validators=[Regexp(r"^[A-Za-z0-9_-]{16,64}\Z", message="Please reload the page.")],
        default=lambda: secrets.token_urlsafe(24),
    )
    consent = BooleanField("I agree")  # to what the page says of the card, if the money cannot be held yet
    submit = SubmitField("Reserve and go to payment")

    @property
    def is_trial(self) -> bool:
        return bool(self.trial.data == "yes")


class ProfileForm(FlaskForm):  # type: ignore[misc]
    headline = _text("Headline", 120, description="What people can learn from you, in a line.")
    bio = _long_text("About you", 4000)
    hourly_rate = StringField(
        "Price of an hour",
        filters=[tidy],
        validators=[InputRequired("Please set a price.")],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    currency = SelectField("Currency", choices=CURRENCIES)
    time_zone = _zone("Time zone of your hours")
    terms = SelectField("If a mentee cancels late", choices=TERMS, default=Terms.FLEXIBLE.value)
    published = BooleanField("Show me in the list of mentors", default=True)
    submit = SubmitField("Save")

    rate: Money

    def validate_hourly_rate(self, field: Field) -> None:
        if self.currency.data not in CURRENCIES:
            return
        try:
            self.rate = Money.parse(field.data, self.currency.data)
        except Invalid as error:
            raise ValidationError(str(error)) from error
        if not LEAST_RATE_MINOR <= self.rate.minor <= MOST_RATE_MINOR:
            least, most = (Money(minor, self.rate.currency) for minor in (LEAST_RATE_MINOR, MOST_RATE_MINOR))
            raise ValidationError(f"Between {least} and {most}, please.")


class RefundForm(FlaskForm):  # type: ignore[misc]
    """``refunded``, in minor units, is what the page said had been given back before."""

    amount = StringField("Amount", filters=[tidy], validators=[InputRequired("Please fill this in.")])
    because = _text("Reason", 200)
    refunded = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0)])
    submit = SubmitField("Refund")


class DecisionForm(FlaskForm):  # type: ignore[misc]
    """Why an operator decided as they did."""

    because = _text("Reason", 200)


def show_on(form: FlaskForm, failure: Invalid) -> None:
    """Put a failure from below next to the field it belongs to, or on top of the form."""
    field = getattr(form, failure.field or "", None)
    if field is None:
        form.form_errors.append(failure.message)
    else:
        field.errors = [*field.errors, failure.message]
