"""However much there is, a reconciliation asks as often per page."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import insert

from app import jobs
from app.extensions import db
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.payment import Payment
from app.models.states import BookingState, Party, PaymentState, ReconciliationState
from app.models.user import User
from tests.people import booked
from tests.statements import overheard
from tests.stripe_double import MONDAY, Stripe

PAGE = 100
PER_PAGE = 12  # statements: the page's payments and operations, ours of the same time, alarms, and the run's own row


def ended_hours(mentee: User, mentor: Mentor, stripe: Stripe, count: int) -> None:
    """Hours that were called off before a card came, a minute apart, here and at Stripe; the last is the newest."""
    pattern = stripe.client.v1.payment_intents.cancel(booked(mentee, mentor, stripe).payment.intent_id)  # type: ignore[union-attr]
    db.session.rollback()
    people = {"mentor_id": mentor.id, "mentee_id": mentee.id}
    db.session.rollback()
    bookings, payments, intents = [], [], []
    for n in range(count):
        at, ids = MONDAY + timedelta(minutes=n + 1), {"booking": f"bk_{n:06}", "payment": f"pay_{n:06}"}
        row = {"currency": "EUR", "created_at": at, "version": 1}
        bookings.append(
            {
                **row,
                **people,
                "id": ids["booking"],
                "title": "Called off",
                "description": "",
                "starts_at": at,
                "ends_at": at + timedelta(hours=1),
                "minutes": 60,
                "price_minor": 8_000,
                "commission_bps": 1_000,
                "state": BookingState.CANCELLED,
                "pay_by": at,
                "complete_by": at,
                "request_key": ids["booking"],
                "ended_by": Party.MENTEE,
                "ended_because": "it was called off",
            }
        )
        payments.append(
            {
                **row,
                "id": ids["payment"],
                "booking_id": ids["booking"],
                "state": PaymentState.VOIDED,
                "amount_minor": 8_000,
                "authorized_minor": 0,
                "captured_minor": 0,
                "refunded_minor": 0,
                "intent_id": f"pi_{n:06}",
            }
        )
        intents.append(
            {"id": f"pi_{n:06}", "created": int(at.timestamp()), "metadata": {**pattern.metadata.to_dict(), **ids}}
        )
    with db.engine.begin() as connection:
        connection.execute(insert(Booking), bookings)
        connection.execute(insert(Payment), payments)
    stripe.simulator.act(
        lambda work, _: [work.add({**work.get("payment_intent", pattern.id), **intent}) for intent in intents],
        {},
    )
    stripe.wait_until(MONDAY + timedelta(minutes=count + 1))


def test_a_page_costs_the_same_few_statements_and_one_request_however_many_there_are(
    app: Flask, ann: User, bob: Mentor, stripe: Stripe
):
    ended_hours(ann, bob, stripe, 1_200)
    cost = {}
    for pages in (2, 12):
        requests = len(stripe.simulator.requests())
        with overheard(db.engine) as asked:
            run = jobs.reconcile_since(stripe.now() - timedelta(minutes=pages * PAGE))
        assert run.state == ReconciliationState.CLEAN
        assert run.compared == pages * PAGE
        cost[pages] = len(asked), len(stripe.simulator.requests()) - requests
    more_statements, more_requests = (cost[12][n] - cost[2][n] for n in (0, 1))
    assert more_requests == 10
    assert more_statements <= 10 * PER_PAGE
