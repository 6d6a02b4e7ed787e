"""The books prove themselves: they add up, they share what was charged, and they say what Stripe says."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.actions import bookmarks, books, ledger, payments, settlements
from app.extensions import db
from app.gateways.stripe_gateway import stripe_gateway
from app.gateways.stripe_objects import BalanceTransaction
from app.kit import clock
from app.kit.money import Money
from app.models.booking import Booking
from app.models.ledger import Balance
from app.models.mentor import Mentor
from app.models.user import User
from tests.people import HOUR, TOMORROW_AT_TEN, booked, completed, fresh, mentor, paid
from tests.stripe_double import Stripe


def accounts() -> dict[str, int]:
    db.session.rollback()
    return {row.account: row.minor for row in db.session.scalars(select(Balance)) if row.minor}


def earn_elsewhere(stripe: Stripe) -> None:
    """Another application charges somebody on the same Stripe account."""
    stripe.client.v1.payment_intents.create(
        {"amount": 1_000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip


def movements() -> list[BalanceTransaction]:
    """Stripe's own entries, the newest first."""
    return [movement for page in stripe_gateway().balance_transaction_pages(None) for movement in page]


def follow() -> None:
    settlements.follow(now=clock.now())
    db.session.rollback()


def wrongs(stripe: Stripe) -> list[str]:
    db.session.rollback()
    return books.problems(stripe.now()) + settlements.differences()


def test_a_charge_clears_and_stripes_fee_is_booked(completed_hour: Booking, bob: Mentor, stripe: Stripe):
    assert accounts()[ledger.CHARGES] == -8_000
    assert "Our books say €0.00 at Stripe; Stripe says €" in settlements.differences()[0]
    follow()
    fee = stripe.client.v1.balance_transactions.list().data[0].fee
    assert fee > 0
    assert accounts() == {
        ledger.STRIPE: -8_000 + fee,
        ledger.STRIPE_FEES: -fee,
        ledger.pending_of(bob.id): 7_200,
        ledger.COMMISSION: 800,
    }
    assert wrongs(stripe) == []


def test_following_twice_books_nothing_twice(completed_hour: Booking, stripe: Stripe):
    follow()
    before = accounts()
    follow()
    settlements.follow(now=clock.now())
    assert accounts() == before


def test_what_is_ours_but_not_settled_here_yet_is_waited_for_and_the_journal_is_read_again_from_there(
    held_hour: Booking, stripe: Stripe
):
    stripe.wait_until(held_hour.ends_at)
    stripe.client.v1.payment_intents.capture(stripe.intent_of(held_hour).id)  # in the dashboard; no event comes
    follow()
    assert accounts() == {}
    captured_at = stripe.now()
    stripe.wait_until(held_hour.complete_by)  # much longer than the overlap
    earn_elsewhere(stripe)  # which can be booked, and is no reason to forget what is waited for
    follow()
    assert bookmarks.reached(settlements.JOURNAL) <= captured_at
    db.session.rollback()
    payments.check(fresh(held_hour).payment, now=stripe.now())
    follow()
    assert ledger.CHARGES not in accounts()
    assert wrongs(stripe) == []


def test_of_two_who_follow_at_once_the_second_finds_everything_booked(completed_hour: Booking, stripe: Stripe):
    earn_elsewhere(stripe)
    seen = movements()
    assert settlements.follow(now=clock.now()) == len(seen) == 2
    assert [settlements.book(movement, now=clock.now()) for movement in seen] == [False, False]
    assert wrongs(stripe) == []


def test_a_movement_of_nothing_is_booked_once_like_any_other(completed_hour: Booking, stripe: Stripe):
    follow()
    (charge,) = movements()
    nothing = Money(0, "EUR")
    empty = replace(charge, id="txn_0", type="adjustment", amount=nothing, fee=nothing, source_id=None, metadata={})
    assert [settlements.book(empty, now=clock.now()) for _ in range(2)] == [True, False]


def test_what_another_application_earns_on_the_same_account_is_kept_apart(completed_hour: Booking, stripe: Stripe):
    earn_elsewhere(stripe)
    follow()
    assert accounts()[ledger.ELSEWHERE] == 1_000
    assert wrongs(stripe) == []


def test_a_payout_of_the_platform_goes_to_its_bank(completed_hour: Booking, stripe: Stripe):
    follow()
    stripe.wait(timedelta(days=5))
    stripe.client.v1.payouts.create({"amount": 1_000, "currency": "eur"})
    follow()
    assert accounts()[ledger.BANK] == -1_000
    assert wrongs(stripe) == []


def test_what_stripe_moves_for_a_reason_unknown_here_is_in_suspense_and_said_to_be_wrong(
    anns_hour: Booking, stripe: Stripe
):
    """A charge back: nobody here knows disputes yet."""
    completed(paid(anns_hour, stripe, "pm_card_createDispute"), stripe)
    follow()
    assert accounts()[ledger.SUSPENSE] == -8_000
    assert settlements.differences() == []
    assert "for reasons unknown here" in books.problems(stripe.now())[0]


def test_sessions_in_several_currencies_are_balanced_each_on_its_own(ann: User, stripe: Stripe):
    for n, rate in enumerate((Money(8_000, "EUR"), Money(12_000, "JPY"), Money(25_000, "KWD"))):
        then = TOMORROW_AT_TEN + 24 * n * HOUR
        hour = booked(ann, mentor(f"Mentor{n}", rate), stripe, key=f"form {n}", starts_at=then)
        completed(paid(hour, stripe), stripe)
    follow()
    assert [book.currency for book in books.trial_balances()] == ["EUR", "JPY", "KWD"]
    assert not any(book.total for book in books.trial_balances())
    assert wrongs(stripe) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE balance SET minor = minor + 1 WHERE account = 'platform:commission'", "instead of nothing"),
        ("UPDATE balance SET minor = minor + 1 WHERE account = 'stripe'", "but its entries add up to"),
        ("DELETE FROM balance WHERE account = 'stripe'", "but its entries add up to"),
        ("UPDATE payment SET captured_minor = captured_minor - 1", "were shared"),
        ("UPDATE payment SET refunded_minor = 1", "were shared"),
    ],
)
def test_books_that_were_tampered_with_are_found_out(damage: str, told: str, completed_hour: Booking, stripe: Stripe):
    follow()
    assert books.problems(stripe.now()) == []
    db.session.execute(text(damage))
    db.session.commit()
    assert any(told in problem for problem in books.problems(stripe.now()))


def test_a_charge_that_stripes_own_books_never_show_is_found_out_after_two_days(
    completed_hour: Booking, stripe: Stripe
):
    assert books.problems(stripe.now()) == []
    stripe.wait_until(stripe.now() + books.LONGEST_CLEARING)
    assert "did not clear" in books.problems(stripe.now())[0]
