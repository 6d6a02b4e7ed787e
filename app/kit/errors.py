"""Failures, named for what the reader can do about them (a person gets a page, a program gets JSON)."""


class Failure(Exception):
    """Something a person should be told. ``money`` says what became of their money, when that is in question."""

    status = 500
    title = "Something went wrong"
    money = ""

    def __init__(self, message: str = "", *, money: str | None = None) -> None:
        super().__init__(message or self.title)
        if money is not None:
            self.money = money

    @property
    def message(self) -> str:
        return str(self)


class Invalid(Failure):
    """What was typed cannot be used. ``field`` names the input it belongs to, if one."""

    status = 422
    title = "That does not work"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(Failure):
    status = 403
    title = "That is not yours to do"


class NotFound(Failure):
    """There is no such thing, or it is someone else's: the answer is the same."""

    status = 404
    title = "There is nothing here"


class IllegalMove(Failure):
    """The thing exists, but has moved on: it cannot go from where it is to where it was asked to go."""

    status = 409
    title = "That is no longer possible"


class Overtaken(IllegalMove):
    """Somebody else was faster, and what was decided upon is not what there is any more."""

    title = "Somebody was faster"
    money = "Nothing was changed."


class Busy(IllegalMove):
    """Another money action on the same payment is still under way."""

    title = "Still being confirmed"
    money = "Nothing was done twice. The first request goes on by itself."


class LookedInto(Busy):
    """Another money action on the same payment waits for an operator."""

    title = "We are looking into this ourselves"
    money = "Nothing was done twice, and nothing more happens to this money until then."

    def __init__(self) -> None:
        super().__init__("Something about this payment puzzled us. A person of ours looks at it before anything else.")


class SlotTaken(Failure):
    status = 409
    title = "That time was just taken"
    money = "You have not been charged and nothing is reserved on your card."


class CardDeclined(Failure):
    status = 402
    title = "Your card was declined"
    money = "You have not been charged."


class GatewayDown(Failure):
    """Stripe's answer is not known: it was not reached, or its answer was lost. Never the same as "failed"."""

    status = 503
    title = "We are confirming with our payment provider"
    money = "Nothing is charged twice: we ask our payment provider what happened and finish by ourselves."

    def __init__(self, message: str = "", *, saved: bool = False, asked: bool = True) -> None:
        """``saved``: Stripe keeps repeating an error for this idempotency key, so the key itself is of no more use.

        Not ``asked``: Stripe has not answered others just now and was left alone; it knows nothing of this.
        """
        super().__init__(message or "Our payment provider has not answered yet.")
        self.saved = saved
        self.asked = asked


class GatewayRefused(Failure):
    """Stripe said no, and meant it: nothing happened. ``code`` is Stripe's."""

    status = 409
    title = "Our payment provider refused"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class MailDown(Failure):
    """The mail server was not reached, or did not take the mail for now: it is tried again."""

    status = 503
    title = "Mail has to wait"


class Undeliverable(Failure):
    """No mail will ever reach this address, or this mail would only confuse by now."""

    status = 409
    title = "This mail cannot be delivered"


class CalendarUnread(Failure):
    """Somebody's calendar elsewhere could not be fetched or read: it is tried again, and what was read before holds."""

    status = 503
    title = "The calendar could not be read"


class Unexplained(Failure):
    """Stripe's answer contradicts what we know: an operator has to look, and nothing is tried again by guess."""

    status = 503
    title = "We need to look at this ourselves"
    money = "Nothing more happens to your money until a person has looked."


class WrongAccount(Failure):
    """The key is not of the Stripe account, mode or environment that the database speaks of."""

    status = 503
    title = "This is another Stripe account's database"
    money = "Nothing was charged or changed."


class Forged(Failure):
    """A message that claims to come from Stripe and does not prove it."""

    status = 400
    title = "Not signed by our payment provider"
