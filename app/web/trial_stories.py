"""The story of a free trial, in which no money moves."""

from app.actions import endings
from app.models.booking import Booking
from app.models.states import BookingState, Party
from app.web.steps import Step, who

B = BookingState
FREE = "Free trial: nothing is charged."


def headline(booking: Booking) -> str:
    ended = who(booking.ended_by, booking) if booking.ended_by else ""
    match booking.state:
        case B.REQUESTED:
            return f"Requested. {FREE}"
        case B.CONFIRMED:
            return f"Confirmed. {FREE}"
        case B.COMPLETED:
            return "The free trial took place. Nothing was charged."
        case B.CANCELLED if booking.ended_because == endings.DECLINED:
            return f"Declined by {ended}. Nothing was charged."
        case B.CANCELLED:
            return f"Cancelled by {ended}. Nothing was charged."
        case B.NO_SHOW:
            return "The free trial did not take place. Nothing was charged."
    return f"Expired: {booking.ended_because}. Nothing was charged."


def next_action(booking: Booking) -> str:
    if booking.state == B.REQUESTED:
        return f"Next: {booking.mentor.name} accepts or declines."
    return "Next: the session." if booking.state == B.CONFIRMED else ""


def future(booking: Booking) -> list[Step]:
    if booking.state == B.REQUESTED and booking.answer_by is not None:
        words = f"{booking.mentor.name} accepts, or the time becomes free again"
        return [Step("hourglass-split", words, booking.answer_by, future=True)]
    if booking.state == B.CONFIRMED:
        return [
            Step(
                "calendar-event", f"The session ends. {FREE}", booking.ends_at, who(Party.SYSTEM, booking), future=True
            )
        ]
    return []
