"""Every way in which money moves, as something that can be prepared, done, killed and done again."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import jobs
from app.actions import (
    absences,
    accounts,
    approvals,
    bookings,
    cancellations,
    inbox,
    objections,
    payments,
    refunds,
    settlements,
)
from app.actions.objections import Wanted
from app.actions.transactions import atomically
from app.extensions import db
from app.gateways.stripe_objects import Knock
from app.kit.errors import GatewayDown
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.objection import Remedy
from app.models.states import BookingState, Party, PaymentState
from app.models.user import User
from tests import people
from tests.faults.recovery import let_leases_run_out
from tests.stripe_double import Stripe

Prepare = Callable[[Stripe], None]
Act = Callable[[datetime], None]
B, P = BookingState, PaymentState


@dataclass(frozen=True)
class Flow:
    """``act`` is what gets killed, and is done again by whoever got no answer. Then everything must end as said.

    ``too_late`` is how else it may end for whoever comes a day later, when the bank has let go.
    """

    name: str
    prepare: Prepare
    act: Act
    booking: BookingState
    payment: PaymentState
    charged: int  # what the mentee has paid in the end, in cents
    too_late: tuple[BookingState, PaymentState, int] | None = None

    def wrong_end(self) -> list[str]:
        hours = list(db.session.scalars(db.select(Booking)))
        if len(hours) != 1:
            return [f"there are {len(hours)} bookings"]
        hour, payment = hours[0], hours[0].payments[0]
        ends = (hour.state, payment.state, payment.captured_minor - payment.refunded_minor)
        due = (self.booking, self.payment, self.charged)
        return [] if ends in (due, self.too_late) else [f"it ended as {ends} instead of {due}"]


def the_hour() -> Booking:
    db.session.rollback()
    return Booking.one()


def ann_and_bob(_stripe: Stripe) -> None:
    people.person("Ann")
    people.mentor("Bob")


def reserved(stripe: Stripe) -> None:
    ann_and_bob(stripe)
    people.booked(User.one(User.name == "Ann"), Mentor.one(), stripe)


def card_entered(stripe: Stripe) -> None:
    """The bank has said yes, and nobody of us knows yet."""
    reserved(stripe)
    stripe.pay(the_hour())


def card_entered_unheard(stripe: Stripe) -> None:
    """No webhook has come, and it is time to read on in Stripe's own list."""
    jobs.run("poll_events")
    card_entered(stripe)
    stripe.wait(timedelta(minutes=1))


def held(stripe: Stripe) -> None:
    reserved(stripe)
    people.paid(the_hour(), stripe)


def held_until_it_is_late(stripe: Stripe) -> None:
    """Half the price is what it costs Ann to cancel now, and so it stays for whoever comes a day later."""
    ann, bob = people.person("Ann"), people.mentor("Bob", terms=Terms.STANDARD)
    people.paid(people.booked(ann, bob, stripe, starts_at=stripe.now() + timedelta(days=4)), stripe)
    hour_id = the_hour().id
    with atomically():
        Booking.locked(hour_id).free_until = stripe.now() - timedelta(hours=1)


def asked(stripe: Stripe) -> None:
    """Bob accepts every session himself, and has yet to say so of this one; a day later he still can."""
    asked_unseen(stripe)
    payments.learn(stripe.intent_of(the_hour()).id, now=stripe.now())


def asked_unseen(stripe: Stripe) -> None:
    """The same, and that the bank has said yes is still to be seen."""
    ann, bob = people.person("Ann"), people.mentor("Bob")
    accounts.set_approval(bob, approves=True)
    people.booked(ann, bob, stripe, starts_at=stripe.now() + timedelta(days=4))
    stripe.pay(the_hour())


def asked_in_vain(stripe: Stripe) -> None:
    asked(stripe)
    answer_by = the_hour().answer_by
    assert answer_by is not None
    stripe.wait_until(answer_by)


def taken_place(stripe: Stripe) -> None:
    held(stripe)
    stripe.wait_until(the_hour().ends_at + timedelta(minutes=5))


def not_come(stripe: Stripe) -> None:
    """Half the price is what it costs Ann that she is not there."""
    ann, bob = people.person("Ann"), people.mentor("Bob", terms=Terms.STANDARD)
    people.paid(people.booked(ann, bob, stripe), stripe)
    stripe.wait_until(the_hour().starts_at + timedelta(minutes=20))


def charged(stripe: Stripe) -> None:
    held(stripe)
    people.completed(the_hour(), stripe)


def charged_long_ago(stripe: Stripe) -> None:
    """Nobody can object any more."""
    charged(stripe)
    refund_a_part(stripe.now())
    stripe.wait(timedelta(hours=72))


def objected(stripe: Stripe) -> None:
    """Ann wants a part back of what she was charged."""
    charged(stripe)
    object_to_it(stripe.now())


def unanswered_objection(stripe: Stripe) -> None:
    """Bob has not answered, and his time is over."""
    objected(stripe)
    stripe.wait(timedelta(hours=72))


def before_the_operator(stripe: Stripe) -> None:
    objected(stripe)
    objections.appeal(the_hour(), Party.MENTOR, seen=1, now=stripe.now())


def said_to_be_absent(stripe: Stripe) -> None:
    taken_place(stripe)
    miss_the_mentor(stripe.now())


def silent_about_an_absence(stripe: Stripe) -> None:
    said_to_be_absent(stripe)
    stripe.wait(timedelta(hours=72))


def about_to_begin(stripe: Stripe) -> None:
    held(stripe)
    stripe.wait_until(the_hour().starts_at - timedelta(hours=1))


def never_paid(stripe: Stripe) -> None:
    reserved(stripe)
    stripe.wait(timedelta(minutes=15))


def forgotten(stripe: Stripe) -> None:
    held(stripe)
    stripe.wait_until(the_hour().ends_at + timedelta(hours=48))


def unanswered(prepare: Prepare, act: Act, path: str) -> Prepare:
    """``act`` had its effect at Stripe, but the answer was lost: the worker has to find out."""

    def prepared(stripe: Stripe) -> None:
        prepare(stripe)
        stripe.fail_next("lose_answer", path, count=2)
        try:
            act(stripe.now())
        except GatewayDown:
            db.session.rollback()
        let_leases_run_out()

    return prepared


def book(now: datetime) -> None:
    bookings.book(User.one(User.name == "Ann"), Mentor.one(), people.wish(), now=now)


def look(now: datetime) -> None:
    payment = the_hour().payment
    assert payment is not None
    payments.check(payment, now=now)


def hear(now: datetime) -> None:
    """Stripe's own event about the hold is received and handled."""
    hour = the_hour()
    assert hour.payment is not None
    knock = Knock("evt_held", "payment_intent.amount_capturable_updated", hour.payment.intent_id, None, livemode=False)
    inbox.receive(knock, json.dumps({"id": knock.id}), livemode=False, now=now)
    jobs.run("handle_events")


def read(_now: datetime) -> None:
    """Stripe's own list tells of the hold, and of everything before it."""
    jobs.run("poll_events")
    jobs.run("handle_events")


def complete(now: datetime) -> None:
    bookings.complete(the_hour(), now=now)


def call_off(now: datetime) -> None:
    cancellations.cancel(the_hour(), by=Party.MENTOR, quoted="8000-0-0", now=now)


def accept(now: datetime) -> None:
    approvals.accept(the_hour(), now=now)


def decline(now: datetime) -> None:
    approvals.decline(the_hour(), now=now)


def take_back(now: datetime) -> None:
    """A request, which costs nothing."""
    cancellations.cancel(the_hour(), by=Party.MENTEE, quoted="8000-0-0", now=now)


def call_off_unpaid(now: datetime) -> None:
    cancellations.cancel(the_hour(), by=Party.MENTEE, quoted="0-0-0", now=now)


def refund(now: datetime) -> None:
    cancellations.cancel(the_hour(), by=Party.MENTOR, quoted="0-8000-0", now=now)


def refund_a_part(now: datetime) -> None:
    hour = the_hour()
    assert hour.payment is not None
    nothing = Money(0, "EUR")
    refunds.give_back(hour.payment, PART, by=Party.OPERATOR, because="it was late", refunded=nothing, now=now)


def call_off_late(now: datetime) -> None:
    """The fee is kept of the hold, and Stripe releases the rest."""
    cancellations.cancel(the_hour(), by=Party.MENTEE, quoted="4000-0-4000", now=now)


def follow_the_books(now: datetime) -> None:
    settlements.follow(now=now)


def charged_in_the_dashboard(stripe: Stripe) -> None:
    held(stripe)
    stripe.client.v1.payment_intents.capture(stripe.intent_of(the_hour()).id, {"amount_to_capture": PART.minor})


def refunded_in_the_dashboard(stripe: Stripe) -> None:
    charged(stripe)
    stripe.client.v1.refunds.create({"payment_intent": stripe.intent_of(the_hour()).id, "amount": PART.minor})


def sent_back_by_the_bank(stripe: Stripe) -> None:
    """The whole refund has come back from Ann's closed account, and nobody of us knows yet."""
    reserved(stripe)
    people.paid(the_hour(), stripe, "pm_card_refundFail")
    people.completed(the_hour(), stripe)
    refund(stripe.now())
    stripe.wait(timedelta(minutes=5))


def no_show(now: datetime) -> None:
    bookings.report_no_show(the_hour(), now=now)


def object_to_it(now: datetime) -> None:
    objections.object_to(the_hour(), "It was short.", Wanted(Remedy.PART_REFUND, PART), now=now)


def agree(now: datetime) -> None:
    objections.accept(the_hour(), Party.MENTOR, seen=1, now=now)


def rule(now: datetime) -> None:
    whole = Money(8_000, "EUR")
    objections.rule(the_hour(), whole, "It did not take place.", refunded=Money(0, "EUR"), now=now)


def miss_the_mentor(now: datetime) -> None:
    absences.report(the_hour(), "I waited for an hour.", now=now)


def contest(now: datetime) -> None:
    absences.contest(the_hour(), "We talked for an hour.", took_place=True, now=now)


def admit(now: datetime) -> None:
    absences.admit(the_hour(), now=now)


def job(name: str) -> Callable[[datetime], None]:
    return lambda _now: (jobs.run(name), None)[1]


def let_go(_now: datetime) -> None:
    """What a worker does about stale holds within an hour: the second job takes up what was claimed in vain."""
    jobs.run("expire_stale_holds")
    jobs.run("release_forgotten_holds")


WORK = job("finish_operations")
INTENTS, CAPTURE, CANCEL, REFUNDS = "/v1/payment_intents", "*/capture", "*/cancel", "/v1/refunds"
PART = Money(3_000, "EUR")
NEAR = [
    Flow("book", ann_and_bob, book, B.PENDING_PAYMENT, P.NEEDS_CARD, 0),
    Flow("see that the card is authorized", card_entered, look, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("hear that the card is authorized", card_entered, hear, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("read that the card is authorized", card_entered_unheard, read, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("complete", taken_place, complete, B.COMPLETED, P.CAPTURED, 8_000),
    Flow("cancel an unpaid hour", reserved, call_off_unpaid, B.CANCELLED, P.VOIDED, 0),
    Flow("cancel an hour that was paid unseen", card_entered, call_off_unpaid, B.CANCELLED, P.VOIDED, 0),
    Flow("cancel a held hour", held, call_off, B.CANCELLED, P.VOIDED, 0),
    Flow("cancel a completed hour", charged, refund, B.CANCELLED, P.CAPTURED, 0),
    Flow("refund a part", charged, refund_a_part, B.COMPLETED, P.CAPTURED, 5_000),
    Flow("cancel a held hour late", held_until_it_is_late, call_off_late, B.CANCELLED, P.CAPTURED, 4_000),
    Flow("adopt a charge of a part", charged_in_the_dashboard, look, B.COMPLETED, P.CAPTURED, 3_000),
    Flow("adopt a refund of a part", refunded_in_the_dashboard, look, B.COMPLETED, P.CAPTURED, 5_000),
    Flow("see that a refund came back", sent_back_by_the_bank, look, B.CANCELLED, P.CAPTURED, 8_000),
    Flow("follow Stripe's books", charged, follow_the_books, B.COMPLETED, P.CAPTURED, 8_000),
    Flow("report a no-show", taken_place, no_show, B.NO_SHOW, P.VOIDED, 0),
    Flow("report a no-show that costs", not_come, no_show, B.NO_SHOW, P.CAPTURED, 4_000),
    Flow("clear earnings", charged_long_ago, job("clear_earnings"), B.COMPLETED, P.CAPTURED, 5_000),
    Flow("object to a charge", charged, object_to_it, B.COMPLETED, P.CAPTURED, 8_000),
    Flow("accept what a mentee proposes", objected, agree, B.COMPLETED, P.CAPTURED, 5_000),
    Flow("rule on an objection", before_the_operator, rule, B.CANCELLED, P.CAPTURED, 0),
    Flow("take silence for yes", unanswered_objection, job("end_silences"), B.COMPLETED, P.CAPTURED, 5_000),
    Flow("say that the mentor did not come", taken_place, miss_the_mentor, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("admit not to have come", said_to_be_absent, admit, B.NO_SHOW, P.VOIDED, 0),
    Flow("contest not to have come", said_to_be_absent, contest, B.COMPLETED, P.CAPTURED, 8_000),
    Flow("let go of an absent mentor's hour", silent_about_an_absence, let_go, B.NO_SHOW, P.VOIDED, 0),
    Flow("expire an unpaid hour", never_paid, job("expire_checkouts"), B.EXPIRED, P.VOIDED, 0),
    Flow("expire a forgotten hour", forgotten, let_go, B.EXPIRED, P.VOIDED, 0),
    Flow("finish a customer", unanswered(ann_and_bob, book, "/v1/customers"), book, B.PENDING_PAYMENT, P.NEEDS_CARD, 0),
    Flow("finish a hold", unanswered(ann_and_bob, book, INTENTS), WORK, B.PENDING_PAYMENT, P.NEEDS_CARD, 0),
    Flow("finish a capture", unanswered(taken_place, complete, CAPTURE), WORK, B.COMPLETED, P.CAPTURED, 8_000),
    Flow("finish a void", unanswered(held, call_off, CANCEL), WORK, B.CANCELLED, P.VOIDED, 0),
    Flow(
        "finish a late fee",
        unanswered(held_until_it_is_late, call_off_late, CAPTURE),
        WORK,
        B.CANCELLED,
        P.CAPTURED,
        4_000,
    ),
    Flow("finish the fee of a no-show", unanswered(not_come, no_show, CAPTURE), WORK, B.NO_SHOW, P.CAPTURED, 4_000),
    Flow(
        "finish a refund of a part", unanswered(charged, refund_a_part, REFUNDS), WORK, B.COMPLETED, P.CAPTURED, 5_000
    ),
    Flow("finish what was agreed", unanswered(objected, agree, REFUNDS), WORK, B.COMPLETED, P.CAPTURED, 5_000),
    Flow(
        "finish a contested charge",
        unanswered(said_to_be_absent, contest, CAPTURE),
        WORK,
        B.COMPLETED,
        P.CAPTURED,
        8_000,
    ),
    Flow("finish a refund", unanswered(charged, refund, REFUNDS), WORK, B.CANCELLED, P.CAPTURED, 0),
    Flow("ask the mentor", asked_unseen, look, B.REQUESTED, P.AUTHORIZED, 0),
    Flow("accept", asked, accept, B.CONFIRMED, P.AUTHORIZED, 0),
    Flow("decline", asked, decline, B.CANCELLED, P.VOIDED, 0),
    Flow("take a request back", asked, take_back, B.CANCELLED, P.VOIDED, 0),
    Flow("let a request lapse", asked_in_vain, job("lapse_requests"), B.EXPIRED, P.VOIDED, 0),
    Flow("finish a refusal", unanswered(asked, decline, CANCEL), WORK, B.CANCELLED, P.VOIDED, 0),
    Flow("finish a lapse", unanswered(asked_in_vain, job("lapse_requests"), CANCEL), WORK, B.EXPIRED, P.VOIDED, 0),
    Flow("remind both", about_to_begin, job("remind"), B.CONFIRMED, P.AUTHORIZED, 0),
]
