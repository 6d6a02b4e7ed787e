"""Who is told what: each event in the words that its two people read, and nobody else."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import jobs
from app.actions import bookings, cancellations, letters, payments, refunds
from app.extensions import db
from app.gateways.mailer import Letter, message_of
from app.kit.money import Money
from app.kit.terms import Terms
from app.models.booking import Booking
from app.models.mail import Mail
from app.models.states import Party
from app.models.user import User
from tests import people
from tests.people import fresh
from tests.post_office import FROM
from tests.stripe_double import Stripe

ANN, BOB = "ann@example.com", "bob@example.com"
BEFORE = ("confirmed",)  # what was told of a held hour


def told(*, but: tuple[str, ...] = ()) -> dict[str, Letter]:
    """What was written, to each address, leaving out some kinds; to each at most one."""
    db.session.rollback()
    db.session.expire_all()
    mails = [mail for mail in db.session.scalars(select(Mail)) if mail.kind not in but]
    found = {mail.person.email: letters.compose(mail) for mail in mails}
    assert len(found) == len(mails), "somebody was told twice"
    for letter in found.values():
        assert letter.subject in message_of(letter, FROM)["Subject"]
        assert "None" not in letter.text
    return found


def words(letter: Letter) -> str:
    return " ".join(f"{letter.subject} {letter.text}".split())


def test_of_a_time_that_only_waits_for_a_card_nobody_is_told(anns_hour: Booking):
    assert told() == {}


def test_when_the_money_is_held_both_are_told_what_it_means_for_them(held_hour: Booking):
    anns, bobs = told()[ANN], told()[BOB]
    assert "We have reserved €80.00 on your Visa ·· 4242. That is not a charge." in words(anns)
    assert "Tue 2 Jun 2026, 19:00 (Asia/Tokyo)" in words(anns)
    assert "Ann has booked 60 minutes with you on Tue 2 Jun 2026, 12:00 (Europe/Berlin)" in words(bobs)
    assert "€72.00 of it is yours, €8.00 is the platform's commission" in words(bobs)
    assert f"/mentor/bookings/{held_hour.id}" in bobs.text


def test_a_mentee_who_did_not_pay_in_time_is_told_and_the_mentor_never_knew(anns_hour: Booking, stripe: Stripe):
    stripe.wait_until(anns_hour.pay_by)
    jobs.run("expire_checkouts")
    ((address, letter),) = told().items()
    assert address == ANN
    assert "no card was entered in time" in words(letter)
    assert "nothing is charged" in words(letter)
    assert letter.invitation is None


def test_a_cancelled_hour_is_told_to_both_with_what_became_of_the_money(held_hour: Booking, stripe: Stripe):
    cancellations.cancel(held_hour, by=Party.MENTOR, quoted="8000-0-0", now=stripe.now())
    letters_of = told(but=BEFORE)
    assert "is cancelled by Bob: it was called off" in words(letters_of[ANN])
    assert "The reservation of €80.00 is released and nothing is charged." in words(letters_of[ANN])
    assert "is cancelled by you" in words(letters_of[BOB])
    assert "Ann is not charged" in words(letters_of[BOB])


def test_what_a_late_cancellation_costs_is_told_before_and_after(ann: User, app: Flask, stripe: Stripe):
    dia = people.mentor("Dia", terms=Terms.STANDARD)
    hour = people.paid(people.booked(ann, dia, stripe, starts_at=people.TOMORROW_AT_TEN + 24 * people.HOUR), stripe)
    before = words(told()[ANN])
    assert "You can cancel free of charge until Tue 2 Jun 2026, 19:00." in before
    assert "cancelling costs €40.00" in before
    stripe.wait_until(hour.starts_at - people.HOUR)
    cancellations.cancel(hour, by=Party.MENTEE, quoted="4000-0-4000", now=stripe.now())
    letters_of = told(but=BEFORE)
    assert "€40.00 is charged, and the rest of the €80.00 that was reserved is released." in words(letters_of[ANN])
    assert "Ann is charged €40.00; €36.00 of it is yours, €4.00" in words(letters_of["dia@example.com"])


def test_an_unpaid_hour_that_is_cancelled_is_told_to_the_mentee_only(anns_hour: Booking, stripe: Stripe):
    cancellations.cancel(anns_hour, by=Party.MENTEE, quoted="0-0-0", now=stripe.now())
    assert list(told()) == [ANN]
    assert "Nothing was reserved on your card" in words(told()[ANN])


def test_a_completed_hour_is_a_receipt_for_one_and_earnings_for_the_other(completed_hour: Booking):
    letters_of = told(but=BEFORE)
    assert letters_of[ANN].subject == "Receipt: Review of my parser with Bob, €80.00"
    assert "€80.00 was charged to your Visa ·· 4242" in words(letters_of[ANN])
    assert letters_of[BOB].subject == "You earned €72.00: Review of my parser with Ann"
    assert "€8.00 is the platform's commission" in words(letters_of[BOB])
    assert letters_of[ANN].invitation is None


def test_a_missed_hour_is_told_to_both(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.ends_at)
    bookings.report_no_show(held_hour, now=stripe.now())
    letters_of = told(but=BEFORE)
    assert "Bob has told us that you did not come" in words(letters_of[ANN])
    assert "The reservation of €80.00 is released" in words(letters_of[ANN])
    assert "You have reported that Ann did not come" in words(letters_of[BOB])


def test_an_hour_that_nobody_completed_is_told_to_both(held_hour: Booking, stripe: Stripe):
    stripe.wait_until(held_hour.complete_by)
    jobs.run("expire_stale_holds")
    letters_of = told(but=BEFORE)
    assert "has expired: it was not marked complete in time" in words(letters_of[ANN])
    assert "The reservation of €80.00 is released and nothing is charged." in words(letters_of[ANN])
    assert "it can no longer be completed" in words(letters_of[BOB])


def test_a_part_that_is_refunded_is_told_to_both(completed_hour: Booking, stripe: Stripe):
    payment, part, nothing = completed_hour.payment, Money(3_000, "EUR"), Money(0, "EUR")
    assert payment is not None
    refunds.give_back(payment, part, by=Party.OPERATOR, because="it was late", refunded=nothing, now=stripe.now())
    letters_of = told(but=(*BEFORE, "completed"))
    assert "€30.00 of what you paid for your session with Bob" in words(letters_of[ANN])
    assert "(it was late)" in words(letters_of[ANN])
    assert "In all, €30.00 of €80.00 is refunded." in words(letters_of[ANN])
    assert "€45.00 of the session stays yours" in words(letters_of[BOB])


def test_a_whole_refund_that_cancels_the_hour_is_one_mail_to_each(completed_hour: Booking, stripe: Stripe):
    cancellations.cancel(completed_hour, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    letters_of = told(but=(*BEFORE, "completed"))
    assert "€80.00 is refunded to your card; banks take 5 to 10 days to show it." in words(letters_of[ANN])
    assert "What Ann had paid goes back to them." in words(letters_of[BOB])


def test_a_refund_that_comes_back_is_told_to_whom_it_did_not_reach(anns_hour: Booking, stripe: Stripe):
    done = people.completed(people.paid(anns_hour, stripe, "pm_card_refundFail"), stripe)
    cancellations.cancel(done, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    stripe.wait(timedelta(minutes=5))
    payment = fresh(done).payment
    assert payment is not None
    payments.check(payment, now=stripe.now())
    letters_of = told(but=(*BEFORE, "completed", "cancelled"))
    assert list(letters_of) == [ANN]
    assert letters_of[ANN].subject == "Your bank sent a refund back: €80.00"


def test_whoever_learns_of_it_and_how_often_people_are_told_once(held_hour: Booking, app: Flask, stripe: Stripe):
    stripe.deliver(app)
    jobs.run("handle_events")
    jobs.run("poll_events")
    people.completed(held_hour, stripe)
    stripe.deliver(app)
    for name in ("handle_events", "poll_events", "handle_events", "reconcile"):
        jobs.run(name)
    assert sorted(db.session.scalars(select(Mail.kind))) == ["completed", "completed", "confirmed", "confirmed"]


def test_amounts_are_those_of_the_event_and_not_of_later(completed_hour: Booking, stripe: Stripe):
    cancellations.cancel(completed_hour, by=Party.MENTOR, quoted="0-8000-0", now=stripe.now())
    receipt = told(but=(*BEFORE, "cancelled"))[ANN]
    assert "€80.00 was charged" in words(receipt)
    assert "refund" not in words(receipt)


@pytest.mark.parametrize(
    ("rate", "price"), [(Money(12_000, "JPY"), "¥12,000"), (Money(80_000, "KWD"), "KWD\u00a080.000")]
)
def test_money_of_every_currency_reads_as_on_the_pages(ann: User, app: Flask, stripe: Stripe, rate: Money, price: str):
    people.paid(people.booked(ann, people.mentor("Dia", rate), stripe), stripe)
    letter = told()[ANN]
    assert price in letter.text
    assert price in letter.html


NASTY = {
    "a line break": "Ann\r\nBcc: everyone@example.com",
    "other line breaks": "Ann\u2028\u2029\x85\x0b\x0cBcc: x",
    "markup": "<script>alert(1)</script> & <b>Ann</b>",
    "a turned line": "Ann \u202egnp.exe\u202c",
    "right to left": "אנה 안나 آن",
    "a family": "👩‍👩‍👧 Ann",
    "quotes": '"Ann" <ann@evil.example>, ',
    "control letters": "An\x1b[2Jn\x07",
    "something for templates": "{{ 7 * 7 }}{% raw %}",
    "an encoded word": "=?utf-8?q?Ann=0D=0ABcc=3A_x?=",
    "nothing": "   ",
    "very long": "A" * 64 * 1024,
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which stores names of any length
@pytest.mark.parametrize("what", NASTY)
def test_no_name_and_no_title_makes_a_mail_say_something_else(held_hour: Booking, what: str):
    nasty = NASTY[what]
    db.session.execute(update(User).values(name=nasty))
    db.session.execute(update(Booking).values(title=nasty, description=nasty))
    db.session.commit()
    for address, letter in told().items():
        message = message_of(letter, FROM)
        sent = message.as_bytes()
        head, _, _ = sent.partition(b"\r\n\r\n")
        assert b"\nBcc" not in sent.replace(b"\r", b"\n")
        assert {name.lower() for name in message} == {
            "to", "from", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"
        }  # fmt: skip
        assert [to.addr_spec for to in message["To"].addresses] == [address]
        assert all(len(line) < 998 for line in sent.split(b"\r\n"))
        assert len(head) < 2_000
        html = message.get_body(("html",)).get_content()
        assert "<script" not in html
        assert "<b>" not in html
        assert "49" not in letter.subject
        assert not set(letter.subject) & set("\r\n\x07\x1b\u2028\u202e")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_zone_that_has_vanished_from_the_worlds_list_reads_as_utc(held_hour: Booking):
    db.session.execute(update(User).values(time_zone="Atlantis/Poseidonis"))
    db.session.commit()
    assert "Tue 2 Jun 2026, 10:00 (UTC)" in words(told()[ANN])
