"""What must never happen is refused by the database itself, whoever writes to it, in plain SQL."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError


@dataclass(frozen=True)
class Copy:
    """A row once more, with some columns ``changed`` to SQL expressions."""

    table: str
    where: str
    changed: dict[str, str]


@dataclass(frozen=True)
class Wrong:
    """``refused_by``: words of which the refusal has one (databases name a constraint or its columns).

    ``first`` is still allowed; only then ``change`` is one too many.
    """

    change: str | Copy
    refused_by: tuple[str, ...]
    first: str | Copy | None = None


def another(table: str, where: str = "1 = 1", **changed: str) -> Copy:
    return Copy(table, where, changed)


SECOND_PAYMENT = another(
    "payment", "state = 'authorized'", id="'pay_2'", state="'needs_card'", intent_id="NULL", charge_id="NULL"
)
AN_ALARM = """INSERT INTO alarm (id, kind, subject, sentence, state, raised_at, version)
    VALUES ('{id}', 'missing', 'pi_1', 'It is not there.', 'open', '2026-06-01 08:00:00', 1)"""
AN_ENTRY = "id = (SELECT max(id) FROM ledger_entry)"

AN_EXCEPTION = """INSERT INTO date_exception (id, mentor_id, kind, first_day, last_day, start_minute, end_minute)
    SELECT 'dx_1', min(id), '{kind}', '{first}', '{last}', {minutes} FROM mentor"""

WRONGS = {
    "a second live payment of one booking": Wrong(SECOND_PAYMENT, ("uq_payment_one_live", "payment.booking_id")),
    "two unsettled operations on one subject": Wrong(
        another("operation", "id = 'op_1'", id="'op_2'", state="'parked'"),
        ("uq_operation_one_unsettled", "operation.subject"),
        first=another("operation", "kind = 'capture'", id="'op_1'", state="'pending'", stripe_id="NULL"),
    ),
    "the same refund adopted twice": Wrong(
        another("operation", "kind = 'refund'", id="'op_2'"),
        ("uq_operation_one_per_effect", "operation.kind, operation.stripe_id"),
    ),
    "five minutes of a person given away twice": Wrong(
        another("slot_claim", booking_id="(SELECT min(id) FROM booking WHERE id <> slot_claim.booking_id)"),
        ("pk_slot_claim", "slot_claim.who, slot_claim.cell"),
    ),
    "time taken for a booking that there is not": Wrong(
        another("slot_claim", cell="7", booking_id="'bk_nothing'"), ("fk_slot_claim_booking_id", "FOREIGN KEY")
    ),
    "five minutes for nothing that we know": Wrong(another("slot_claim", cell="7", lane="3"), ("ck_slot_claim_lane",)),
    "two sessions in one place of a mentor's day": Wrong(
        "UPDATE booking SET mentor_day = '2026-06-02', place = 1", ("uq_booking_place", "booking.mentor_day")
    ),
    "a place before the first of a day": Wrong("UPDATE booking SET place = 0", ("ck_booking_place",)),
    "one form booked twice": Wrong(
        another("booking", id="'bk_2'"), ("uq_booking_mentee_id_request_key", "request_key")
    ),
    "two payments with one PaymentIntent": Wrong(
        another("payment", "state = 'captured'", id="'pay_2'", charge_id="NULL"),
        ("uq_payment_intent_id", "payment.intent_id"),
    ),
    "two payments with one charge": Wrong(
        another("payment", "state = 'captured'", id="'pay_2'", intent_id="NULL"),
        ("uq_payment_charge_id", "payment.charge_id"),
    ),
    "more captured than was authorized": Wrong(
        "UPDATE payment SET captured_minor = authorized_minor + 1", ("ck_payment_captured_within_hold",)
    ),
    "less than nothing captured": Wrong("UPDATE payment SET captured_minor = -1", ("ck_payment_",)),
    "more refunded than was captured": Wrong(
        "UPDATE payment SET refunded_minor = captured_minor + 1", ("ck_payment_refunded_within_captured",)
    ),
    "less than nothing refunded": Wrong(
        "UPDATE payment SET refunded_minor = -1", ("ck_payment_refunded_within_captured",)
    ),
    "less than nothing authorized": Wrong(
        "UPDATE payment SET authorized_minor = -1, captured_minor = 0, refunded_minor = 0",
        ("ck_payment_captured_within_hold",),
    ),
    "a payment of nothing": Wrong("UPDATE payment SET amount_minor = 0", ("ck_payment_amount_is_positive",)),
    "a booking for nothing": Wrong("UPDATE booking SET price_minor = 0", ("ck_booking_price",)),
    "a booking for less than nothing": Wrong("UPDATE booking SET price_minor = -1", ("ck_booking_price",)),
    "a trial that costs something": Wrong("UPDATE booking SET is_trial = true", ("ck_booking_price",)),
    "a second trial with the same mentor": Wrong(
        another("booking", "id = 'bk_trial'", id="'bk_other'", request_key="'another-form-for-it'"),
        ("uq_booking_trial", "booking.mentee_id, booking.mentor_id"),
        first=another(
            "booking",
            "id = (SELECT min(id) FROM booking WHERE state = 'completed')",
            id="'bk_trial'",
            request_key="'the-form-of-a-trial'",
            is_trial="true",
            price_minor="0",
        ),
    ),
    "an hour for nothing": Wrong("UPDATE mentor SET hourly_rate_minor = 0", ("ck_mentor_rate_is_positive",)),
    "an operation over nothing": Wrong("UPDATE operation SET amount_minor = 0", ("ck_operation_amount_is_positive",)),
    "an operation over less than nothing": Wrong(
        "UPDATE operation SET amount_minor = -1", ("ck_operation_amount_is_positive",)
    ),
    "a commission below nothing": Wrong("UPDATE booking SET commission_bps = -1", ("ck_booking_commission",)),
    "a commission above everything": Wrong("UPDATE booking SET commission_bps = 10001", ("ck_booking_commission",)),
    "a session that ends before it starts": Wrong(
        "UPDATE booking SET ends_at = starts_at", ("ck_booking_ends_after_start",)
    ),
    "a booking in an unknown state": Wrong("UPDATE booking SET state = 'paid'", ("ck_booking_state",)),
    "a payment in an unknown state": Wrong("UPDATE payment SET state = 'capturing'", ("ck_payment_state",)),
    "an operation in an unknown state": Wrong("UPDATE operation SET state = 'failed'", ("ck_operation_state",)),
    "an event in an unknown state": Wrong("UPDATE stripe_event SET state = 'done'", ("ck_stripe_event_state",)),
    "a move by nobody we know": Wrong("UPDATE transition SET by = 'someone'", ("ck_transition_by",)),
    "one event stored twice": Wrong(another("stripe_event"), ("pk_stripe_event", "stripe_event.id")),
    "one leg of an operation booked twice": Wrong(
        another("ledger_entry", AN_ENTRY, id="(SELECT max(id) + 1 FROM ledger_entry)"),
        ("uq_ledger_entry_operation_id_leg", "ledger_entry.leg"),
    ),
    "a ledger entry over nothing": Wrong(
        another("ledger_entry", AN_ENTRY, id="(SELECT max(id) + 1 FROM ledger_entry)", leg="'x'", amount="0"),
        ("ck_ledger_entry_amount_is_positive",),
    ),
    "a ledger entry that goes nowhere": Wrong(
        another("ledger_entry", AN_ENTRY, id="(SELECT max(id) + 1 FROM ledger_entry)", leg="'x'", credit="debit"),
        ("ck_ledger_entry_two_accounts",),
    ),
    "a ledger entry without an operation": Wrong(
        another(
            "ledger_entry", AN_ENTRY, id="(SELECT max(id) + 1 FROM ledger_entry)", leg="'x'", operation_id="'op_none'"
        ),
        ("fk_ledger_entry_operation_id", "FOREIGN KEY"),
    ),
    "a ledger entry changed": Wrong(
        f"UPDATE ledger_entry SET amount = amount + 1 WHERE {AN_ENTRY}", ("never changed",)
    ),
    "a ledger entry deleted": Wrong(f"DELETE FROM ledger_entry WHERE {AN_ENTRY}", ("never changed",)),
    "one database for two Stripe accounts": Wrong(
        "INSERT INTO installation VALUES (2, 'acct_2', false, 'test', '2026-06-01 08:00:00')",
        ("ck_installation_one_only",),
    ),
    "one alarm rung twice": Wrong(
        AN_ALARM.format(id="al_2"), ("uq_alarm_one_open", "alarm.kind, alarm.subject"), first=AN_ALARM.format(id="al_1")
    ),
    "one mail written twice": Wrong(another("mail", id="'ml_2'"), ("uq_mail_person_id_kind_cause", "mail.person_id")),
    "a mail in an unknown state": Wrong("UPDATE mail SET state = 'lost'", ("ck_mail_state",)),
    "a mail to nobody": Wrong(
        another("mail", id="'ml_2'", person_id="'us_none'"), ("fk_mail_person_id", "FOREIGN KEY")
    ),
    "two log-ins with one address": Wrong(
        another("user_account", id="'us_2'", stripe_customer_id="NULL"),
        ("uq_user_account_email", "user_account.email"),
    ),
    "an address with capitals": Wrong(
        "UPDATE user_account SET email = 'Ann@example.com' WHERE name = 'Ann'", ("ck_user_account_email_is_lower_case",)
    ),
    "one Stripe customer for two people": Wrong(
        "UPDATE user_account SET stripe_customer_id = 'cus_1'",
        ("uq_user_account_stripe_customer_id", "user_account.stripe_customer_id"),
    ),
    "two offers of one mentor": Wrong(another("mentor", id="'mt_2'"), ("uq_mentor_user_id", "mentor.user_id")),
    "an eighth weekday": Wrong("UPDATE weekly_hours SET weekday = weekday + 7", ("ck_weekly_hours_weekday",)),
    "hours that end before they start": Wrong(
        "UPDATE weekly_hours SET end_minute = start_minute", ("ck_weekly_hours_range",)
    ),
    "days off that end before they begin": Wrong(
        AN_EXCEPTION.format(kind="off", first="2026-06-03", last="2026-06-02", minutes="NULL, NULL"),
        ("ck_date_exception_days_in_order",),
    ),
    "days off with hours": Wrong(
        AN_EXCEPTION.format(kind="off", first="2026-06-03", last="2026-06-03", minutes="540, 600"),
        ("ck_date_exception_hours_on_one_day",),
    ),
    "extra hours without a time": Wrong(
        AN_EXCEPTION.format(kind="extra", first="2026-06-03", last="2026-06-03", minutes="540, NULL"),
        ("ck_date_exception_hours_on_one_day",),
    ),
    "extra hours on two days": Wrong(
        AN_EXCEPTION.format(kind="extra", first="2026-06-03", last="2026-06-04", minutes="540, 600"),
        ("ck_date_exception_hours_on_one_day",),
    ),
    "extra hours past midnight": Wrong(
        AN_EXCEPTION.format(kind="extra", first="2026-06-03", last="2026-06-03", minutes="540, 1445"),
        ("ck_date_exception_range",),
    ),
    "an exception of a kind that there is not": Wrong(
        AN_EXCEPTION.format(kind="maybe", first="2026-06-03", last="2026-06-03", minutes="540, 600"),
        ("ck_date_exception_kind",),
    ),
    "a buffer that cuts cells": Wrong("UPDATE mentor SET buffer_after = 7", ("ck_mentor_buffer_after",)),
    "a buffer longer than anybody looks for": Wrong(
        "UPDATE mentor SET buffer_before = 245", ("ck_mentor_buffer_before",)
    ),
    "a negative buffer": Wrong("UPDATE mentor SET buffer_before = -5", ("ck_mentor_buffer_before",)),
    "no notice at all": Wrong("UPDATE mentor SET notice_hours = 0", ("ck_mentor_notice_hours",)),
    "a day without any session": Wrong("UPDATE mentor SET daily_cap = 0", ("ck_mentor_daily_cap",)),
    "a horizon behind one": Wrong("UPDATE mentor SET horizon_days = 0", ("ck_mentor_horizon_days",)),
    "no length to choose from": Wrong("UPDATE mentor SET durations = ''", ("ck_mentor_durations",)),
    "hours past midnight": Wrong("UPDATE weekly_hours SET end_minute = 1441", ("ck_weekly_hours_range",)),
}


@pytest.mark.parametrize("what", WRONGS)
def test_the_database_refuses(furnished: Engine, what: str):
    wrong = WRONGS[what]
    with furnished.connect() as connection:
        if wrong.first:
            assert _run(connection, wrong.first) == 1, "there is nothing to try it on"
        with pytest.raises(DBAPIError) as refusal:
            _keep(connection, wrong.change)
        connection.rollback()
    assert any(word in str(refusal.value.orig) for word in wrong.refused_by), refusal.value.orig


@pytest.mark.parametrize("furnished", ["sqlite"], indirect=True)
def test_a_ledger_entry_cannot_be_replaced_either(furnished: Engine):
    """SQLite's own way around a delete trigger: the connection's pragmas close it."""
    with furnished.connect() as connection:
        columns = ", ".join(column["name"] for column in inspect(connection).get_columns("ledger_entry"))
        with pytest.raises(DBAPIError, match="never changed"):
            connection.execute(text(f"INSERT OR REPLACE INTO ledger_entry SELECT {columns} FROM ledger_entry"))
        connection.rollback()


@pytest.mark.parametrize("furnished", ["postgresql"], indirect=True)
def test_two_hours_of_one_mentor_cannot_overlap_even_without_claims(furnished: Engine):
    """The second fence, which only PostgreSQL has."""
    held = "FROM booking held WHERE held.state = 'confirmed'"
    overlap = f"""UPDATE booking SET starts_at = (SELECT held.starts_at + interval '5 minutes' {held}),
                  ends_at = (SELECT held.ends_at + interval '5 minutes' {held}) WHERE state = 'pending_payment'"""
    with furnished.connect() as connection:
        with pytest.raises(DBAPIError, match="ex_booking_one_at_a_time"):
            _keep(connection, overlap)
        connection.rollback()


def _keep(connection: Connection, change: str | Copy) -> None:
    """Make a change and commit it, which is when the last constraints are checked."""
    assert _run(connection, change), "there is nothing to try it on"
    connection.commit()


def _run(connection: Connection, change: str | Copy) -> int:
    """How many rows were touched."""
    if isinstance(change, str):
        return connection.execute(text(change)).rowcount
    columns = [column["name"] for column in inspect(connection).get_columns(change.table)]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(change.changed.get(name, f'"{name}"') for name in columns)
    chosen = f"SELECT {values} FROM {change.table} WHERE {change.where} LIMIT 1"
    return connection.execute(text(f"INSERT INTO {change.table} ({names}) {chosen}")).rowcount
