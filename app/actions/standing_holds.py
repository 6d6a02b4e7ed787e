"""The hold that stands for a payment: what is known of it, and when a newer one takes its place."""

from app.actions import deadlines
from app.actions.holds import release_at
from app.actions.labels import REPLACES
from app.gateways.stripe_objects import Intent
from app.models.booking import Booking
from app.models.payment import Payment
from app.models.states import PaymentState

STATUSES = ("requires_capture", "succeeded")  # of an intent that the bank has said yes to


def replaces(newer: Intent, older_id: str | None) -> bool:
    """Whether the one is held in the place of the other."""
    return newer.metadata.get(REPLACES) == older_id and newer.status in STATUSES


def take_the_place(payment: Payment, intent: Intent) -> bool:
    """Whether a newer hold stands for ``payment`` from now on; the older one is let go by whoever made the newer."""
    if payment.state != PaymentState.AUTHORIZED or not replaces(intent, payment.intent_id):
        return False
    booking = Booking.locked(payment.booking_id)
    payment.intent_id = intent.id
    note(payment, booking, intent)
    deadlines.lift(deadlines.RELEASE, payment.id)
    deadlines.put(deadlines.RELEASE, payment.id, payment.release_at or booking.complete_by)
    return True


def note(payment: Payment, booking: Booking, intent: Intent) -> None:
    """Keep what the bank has said of it: until when it stands, and so until when we keep it."""
    if intent.charge is not None:
        payment.charge_id = intent.charge.id
        payment.card_brand, payment.card_last4 = intent.charge.card_brand, intent.charge.card_last4
        payment.capture_before = intent.charge.capture_before
    payment.release_at = release_at(booking.complete_by, payment.capture_before)
