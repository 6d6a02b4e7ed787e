"""Several want the same time at the same instant: one gets it, and no other card is ever asked for."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest

from app.actions import cancellations, opening_hours
from app.actions.opening_hours import Rules
from app.actions.wishes import Wish
from app.extensions import db
from app.kit.errors import Failure
from app.models.booking import Booking
from app.models.mentor import Mentor
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.faults.crowds import ROUNDS, Act, Crowd
from tests.faults.recovery import finish
from tests.faults.rivals import HALF_AN_HOUR, ask_another_price, book, open_hours
from tests.faults.truths import untruths
from tests.people import ALL_WEEK, HOUR, TOMORROW_AT_TEN
from tests.stripe_double import Stripe

MENTEES = int(os.environ.get("MENTEES", "100"))  # who want one and the same hour
CAP = 3
A_TURN = 40  # rounds, every other hour: no more fit into the days that can be booked
ONE_OF_TWO, ONE_OF_THREE = ["NoneType", "SlotTaken"], ["NoneType", "SlotTaken", "SlotTaken"]

pytestmark = pytest.mark.faults


def mentors(name: str) -> list[str]:
    """As many as all rounds take, by id."""
    return [people.mentor(f"{name}{n}").id for n in range(0, ROUNDS, A_TURN)]


def mentees(name: str, stripe: Stripe, count: int = -(-ROUNDS // A_TURN)) -> list[str]:
    """As many as all rounds take, by id. Stripe knows them already, so that nothing holds them up when they book."""
    password_hash = people.person(f"{name}s friend").password_hash
    customers = [stripe.client.v1.customers.create({"name": f"{name}{n}"}).id for n in range(count)]
    rows = [
        User(
            name=f"{name}{n}",
            email=f"{name.lower()}{n}@example.com",
            password_hash=password_hash,
            stripe_customer_id=customer,
            created_at=stripe.now(),
        )
        for n, customer in enumerate(customers)
    ]
    db.session.rollback()
    db.session.add_all(rows)
    db.session.commit()
    return [row.id for row in rows]


def turn_of(some: Sequence[str], n: int) -> str:
    """Whose turn it is in round ``n``."""
    return some[n // A_TURN]


def wish(n: int, *, later: timedelta = timedelta(0), form: str = "form") -> Wish:
    """An hour that nobody wants in another round."""
    return people.wish(TOMORROW_AT_TEN + n % A_TURN * 2 * HOUR + later, key=f"{form} {n}")


def short(n: int, *, later: timedelta = timedelta(0)) -> Wish:
    """Half an hour within the two hours of a round."""
    return people.wish(TOMORROW_AT_TEN + n % A_TURN * 2 * HOUR + later, minutes=30, key=f"short {n}")


def names(told: list[Failure | None]) -> list[str]:
    return sorted(type(failure).__name__ for failure in told)


def all_booked() -> list[Booking]:
    db.session.rollback()
    return list(db.session.scalars(db.select(Booking)))


def test_a_form_that_is_sent_thrice_makes_one_booking_and_one_customer(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """Every other mentee is unknown to Stripe: who comes while they are being made known is told just that."""
    bobs, chos = mentors("Bob"), mentees("Cho", shared_stripe, ROUNDS)
    known_before = shared_stripe.count("/v1/customers")
    for n in range(ROUNDS):
        submit = partial(book, chos[n] if n % 2 else people.person(f"Ann{n}").id, turn_of(bobs, n), wish(n))
        told = names(crowd.at_once(submit, submit, submit, now=shared_stripe.now()))
        assert "NoneType" in told
        tally.update(told)
    finish()
    assert set(tally) <= {"NoneType", "GatewayDown"}
    assert shared_stripe.count("/v1/customers") == known_before + -(-ROUNDS // 2)
    assert len(all_booked()) == len(shared_stripe.intents()) == ROUNDS
    assert untruths(shared_stripe) == []


@pytest.mark.parametrize("later", [timedelta(0), HALF_AN_HOUR], ids=["the_same_time", "an_overlapping_time"])
def test_of_three_mentees_one_gets_a_mentors_time_and_no_other_is_asked_for_a_card(
    later: timedelta, crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    bobs, anns, chos, eves = mentors("Bob"), *(mentees(name, shared_stripe) for name in ("Ann", "Cho", "Eve"))
    for n in range(ROUNDS):
        bob, wanted = turn_of(bobs, n), (wish(n), wish(n, later=later), wish(n))
        acts = [partial(book, turn_of(who, n), bob, it) for who, it in zip((anns, chos, eves), wanted, strict=True)]
        told = crowd.at_once(*acts, now=shared_stripe.now())
        assert names(told) == ONE_OF_THREE
        tally[("Ann", "Cho", "Eve")[told.index(None)]] += 1
    for hour in all_booked():
        people.paid(hour, shared_stripe)
    assert len(shared_stripe.intents()) == ROUNDS
    assert untruths(shared_stripe) == []


def test_a_mentee_cannot_be_in_two_sessions_however_fast(crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]):
    anns, bobs, dias = mentees("Ann", shared_stripe), mentors("Bob"), mentors("Dia")
    for n in range(ROUNDS):
        ann, bob, dia = (turn_of(who, n) for who in (anns, bobs, dias))
        acts = partial(book, ann, bob, wish(n, form="Bob's")), partial(book, ann, dia, wish(n, form="Dia's"))
        told = crowd.at_once(*acts, now=shared_stripe.now())
        assert names(told) == ONE_OF_TWO
        tally[("Bob", "Dia")[told.index(None)]] += 1
    assert len(shared_stripe.intents()) == ROUNDS
    assert untruths(shared_stripe) == []


def test_two_mentors_who_book_each_other_at_once_both_get_their_hours(crowd: Crowd, shared_stripe: Stripe):
    bobs, dias = mentors("Bob"), mentors("Dia")
    for n in range(ROUNDS):
        bob, dia = turn_of(bobs, n), turn_of(dias, n)
        acts = [
            partial(book, Mentor.one(Mentor.id == me).user_id, other, wish(n, later=later, form=me))
            for me, other, later in ((bob, dia, timedelta(0)), (dia, bob, HOUR))
        ]
        assert crowd.at_once(*acts, now=shared_stripe.now()) == [None, None]
    assert untruths(shared_stripe) == []


def test_a_mentors_buffer_holds_however_fast_and_is_no_longer_than_it_says(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """Three mentees want three half-hours in a row, and half an hour is the buffer: the middle one excludes the others,
    which do not exclude each other."""
    bobs, anns, chos, eves = mentors("Bob"), *(mentees(name, shared_stripe) for name in ("Ann", "Cho", "Eve"))
    for n in range(ROUNDS):
        bob = turn_of(bobs, n)
        opening_hours.set_rules(Mentor.one(Mentor.id == bob), Rules(buffer_before=30, buffer_after=30))
        wanted = (short(n), short(n, later=HALF_AN_HOUR), short(n, later=HOUR))
        acts = [partial(book, turn_of(who, n), bob, it) for who, it in zip((anns, chos, eves), wanted, strict=True)]
        told = crowd.at_once(*acts, now=shared_stripe.now())
        ann, cho, eve = (failure is None for failure in told)
        assert set(names(told)) <= {"NoneType", "SlotTaken"}
        assert (cho and not ann and not eve) or (not cho and (ann or eve))
        tally["the middle" if cho else "both ends" if ann and eve else "one end"] += 1
    assert untruths(shared_stripe) == []


def test_a_mentors_day_takes_as_many_as_the_cap_and_nobody_is_refused_in_vain(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """Five mentees want five different hours of one day, of which the mentor gives three."""
    guests = [mentees(name, shared_stripe)[0] for name in ("Ann", "Cho", "Eve", "Gil", "Hal")]
    for n in range(ROUNDS):
        bob = people.mentor(f"Capped{n}")
        opening_hours.set_rules(bob, Rules(daily_cap=CAP))
        wanted = [people.wish(TOMORROW_AT_TEN + (k - 2) * HOUR, key=f"form {n}") for k in range(len(guests))]
        acts = [partial(book, guest, bob.id, it) for guest, it in zip(guests, wanted, strict=True)]
        told = crowd.at_once(*acts, now=shared_stripe.now())
        assert Counter(names(told)) == {"NoneType": CAP, "SlotTaken": len(guests) - CAP}
        hours = [hour for hour in all_booked() if hour.mentor_id == bob.id]
        assert sorted(hour.place for hour in hours if hour.place) == [1, 2, 3]
        tally[" ".join(sorted(str(hour.starts_at.hour) for hour in hours))] += 1
        for hour in hours:
            quoted = cancellations.quote(hour, by=Party.MENTOR, now=shared_stripe.now())
            cancellations.cancel(hour, by=Party.MENTOR, quoted=quoted.token, now=shared_stripe.now())
    finish()
    assert untruths(shared_stripe) == []


def test_hours_that_are_taken_off_the_week_meanwhile_are_booked_or_no_longer_offered(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    """A booking that was made stands; two tabs of the mentor leave one of the two weeks, not a mixture."""
    anns, chos, bobs = mentees("Ann", shared_stripe), mentees("Cho", shared_stripe), mentors("Bob")
    mornings, evenings = [(day, 0, 60) for day in range(7)], [(day, 1380, 1440) for day in range(7)]
    for n in range(ROUNDS):
        ann, cho, bob = (turn_of(who, n) for who in (anns, chos, bobs))
        open_hours(bob, *ALL_WEEK)
        edits = [partial(open_hours, bob, *week) for week in (mornings, evenings)]
        wants = [partial(book, ann, bob, wish(n)), partial(book, cho, bob, wish(n, later=HALF_AN_HOUR))]
        told = crowd.at_once(*edits, *wants, now=shared_stripe.now())
        assert told[:2] == [None, None]
        assert set(names(told[2:])) <= {"NoneType", "SlotTaken", "Invalid"}
        assert told[2:].count(None) <= 1
        assert _week_of(bob) in (mornings, evenings)
        tally["booked" if None in told[2:] else "not offered"] += 1
    assert len(all_booked()) == len(shared_stripe.intents()) == tally["booked"]
    assert untruths(shared_stripe) == []


def test_a_price_that_changes_meanwhile_is_frozen_in_the_booking(
    crowd: Crowd, shared_stripe: Stripe, tally: Counter[str]
):
    anns, bobs = mentees("Ann", shared_stripe), mentors("Bob")
    now, agreed = shared_stripe.now(), []
    for n in range(ROUNDS):
        ann, bob = turn_of(anns, n), turn_of(bobs, n)
        before, after = Mentor.one(Mentor.id == bob).hourly_rate_minor, 5_000 + n
        acts = [partial(book, ann, bob, wish(n)), partial(ask_another_price, bob, after)]
        assert crowd.at_once(*acts, now=now) == [None, None]
        hour = next(hour for hour in all_booked() if hour.starts_at == wish(n).starts_at and hour.mentor_id == bob)
        assert hour.price_minor in (before, after)
        tally["before" if hour.price_minor == before else "after"] += 1
        held = people.paid(hour, shared_stripe)
        assert held.payment.authorized_minor == shared_stripe.intent_of(hour).amount_capturable == held.price_minor
        agreed.append((held.ends_at, held.id, held.price_minor))
    for bob in bobs:
        ask_another_price(bob, 9_000)
    for _, hour_id, price in sorted(agreed):
        assert people.completed(Booking.one(Booking.id == hour_id), shared_stripe).payment.captured.minor == price
    assert untruths(shared_stripe) == []


def test_of_a_whole_crowd_that_wants_one_hour_one_gets_it(crowd: Crowd, shared_stripe: Stripe):
    bob, everybody = people.mentor("Bob").id, mentees("Ann", shared_stripe, MENTEES)
    acts: list[Act] = [partial(book, mentee, bob, wish(0)) for mentee in everybody]
    told = crowd.at_once(*acts, now=shared_stripe.now())
    assert Counter(names(told)) == {"NoneType": 1, "SlotTaken": MENTEES - 1}
    (hour,) = all_booked()
    people.paid(hour, shared_stripe)
    held = [intent for intent in shared_stripe.intents() if intent.amount_capturable]
    assert [intent.metadata["booking"] for intent in held] == [hour.id]
    assert shared_stripe.count("/v1/payment_intents") == 1
    assert untruths(shared_stripe) == []


def _week_of(mentor: str) -> list[tuple[int, int, int]]:
    db.session.rollback()
    rows = Mentor.one(Mentor.id == mentor).weekly_hours
    return [(row.weekday, row.start_minute, row.end_minute) for row in rows]
