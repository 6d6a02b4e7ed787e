"""What people type about an objection: the problem, what would be right, a ruling."""

from flask_wtf import FlaskForm
from wtforms import (
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    StringField,
    SubmitField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from app.actions.objections import Wanted
from app.kit.errors import Invalid
from app.kit.money import Money
from app.models.objection import Remedy
from app.web.forms import Written, tidy

WORDS = {
    Remedy.FULL_REFUND: "Everything goes back",
    Remedy.PART_REFUND: "A part goes back",
    Remedy.NEW_SESSION: "A new session, nothing goes back",
    Remedy.NOTHING: "Nothing goes back",
}
MOST = 2000  # characters that somebody can write


def _long(label: str, *, needed: bool = True, **rest: object) -> TextAreaField:
    return TextAreaField(
        label,
        filters=[tidy],
        validators=[
            DataRequired("Please fill this in.") if needed else Optional(),
            Length(max=MOST, message=f"At most {MOST} characters, please."),
            Written(lines=True),
        ],
        **rest,
    )


class ProblemForm(FlaskForm):  # type: ignore[misc]
    """What happened."""

    problem = _long("What happened?", description="Both of you and an operator read it.")
    submit = SubmitField("Tell us")


class ClaimForm(FlaskForm):  # type: ignore[misc]
    """A mentor's answer to a mentee who says that they did not come."""

    claim = RadioField(
        "What do you say?",
        choices=[
            SelectChoice("took_place", "The session took place"),
            SelectChoice("mentee_absent", "I was there, and my mentee did not come"),
        ],
        validators=[InputRequired("Please choose.")],
    )
    words = _long("What happened?", description="Your mentee and an operator read it.")
    submit = SubmitField("Contest it")


class ProposalForm(FlaskForm):  # type: ignore[misc]
    """``seen`` is the number of the latest proposal that the page showed; ``currency`` is set by whoever asks."""

    remedy = RadioField("What would be right?", validators=[InputRequired("Please choose.")])
    refund = StringField(
        "How much goes back, if it is a part", filters=[tidy], render_kw={"inputmode": "decimal", "autocomplete": "off"}
    )
    words = _long("Why?", needed=False, description="Optional. The other side and an operator read it.")
    seen = IntegerField(widget=HiddenInput(), default=0, validators=[NumberRange(0)])
    submit = SubmitField("Propose this")

    currency: str

    @classmethod
    def of(cls, currency: str, remedies: tuple[Remedy, ...], **given: object) -> "ProposalForm":
        form = cls(**given)
        form.currency = currency
        form.remedy.choices = [SelectChoice(remedy.value, WORDS[remedy]) for remedy in remedies]
        return form

    def validate_refund(self, field: Field) -> None:
        if self.remedy.data == Remedy.PART_REFUND.value:
            try:
                Money.parse(field.data or "", self.currency)
            except Invalid as error:
                raise ValidationError(str(error)) from error

    @property
    def wanted(self) -> Wanted:
        remedy = Remedy(self.remedy.data)
        is_part = remedy == Remedy.PART_REFUND
        return Wanted(remedy, Money.parse(self.refund.data, self.currency) if is_part else None, self.words.data or "")


class ObjectionForm(ProposalForm):
    """An objection begins with a problem and a first proposal."""

    problem = _long("What was wrong?", description="Your mentor and an operator read it.")
    words = HiddenField()
    submit = SubmitField("Object")


class RulingForm(FlaskForm):  # type: ignore[misc]
    """``refunded``, in minor units, is what the page said had been given back before."""

    refund = StringField(
        "How much goes back",
        filters=[tidy],
        validators=[InputRequired("Please fill this in.")],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    because = StringField(
        "Reason",
        filters=[tidy],
        validators=[DataRequired("Please fill this in."), Length(max=200), Written()],
        description="Both sides read it.",
    )
    refunded = IntegerField(widget=HiddenInput(), validators=[InputRequired(), NumberRange(0)])
    submit = SubmitField("Decide")
