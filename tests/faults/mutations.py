"""The planted bugs: where, what instead of what, and which proofs should notice (the first that does is told)."""

from dataclasses import dataclass

KILLS, ANSWERS, HISTORIES = (
    "tests/faults/test_kills.py",
    "tests/faults/test_answers.py",
    "tests/faults/test_histories.py",
)
RACES, RACES_FOR_TIME, WEBHOOKS, POWER_CUT = (
    "tests/faults/test_races.py",
    "tests/faults/test_races_for_time.py",
    "tests/faults/test_webhooks.py",
    "tests/faults/test_power_cut.py",
)
DOOR, BOOKS, REFUNDS = "tests/faults/test_door.py", "tests/actions/test_books.py", "tests/actions/test_refunds.py"
CANCELLATIONS, CALLED_OFF = "app/actions/cancellations.py", "tests/actions/test_cancellations.py"
OUTBOX = "tests/actions/test_outbox.py"
RELEASES, LET_GO = "app/actions/releases.py", "tests/actions/test_releases.py"
AT_THE_DOOR, LIFECYCLE = "tests/web/test_webhook.py", "tests/actions/test_lifecycle.py"
OPERATIONS, ORDERS = "app/actions/operations.py", "app/actions/orders.py"
PAYMENTS, GIVEN_BACK, LEDGER = "app/actions/payments.py", "app/actions/refunds.py", "app/actions/ledger.py"
BOOKINGS, SETTLEMENTS, INBOX = "app/actions/bookings.py", "app/actions/settlements.py", "app/actions/inbox.py"
AVAILABILITY = "tests/actions/test_availability.py"
RESCHEDULES, MOVES = "app/actions/reschedules.py", "tests/actions/test_reschedules.py"
REACHES = "app/actions/reaches.py"
APPROVALS, ANSWERS_TO_REQUESTS = "app/actions/approvals.py", "tests/actions/test_approvals.py"
RACES_FOR_ANSWERS = "tests/faults/test_races_for_answers.py"
EARNINGS, CLEARED = "app/actions/earnings.py", "tests/actions/test_earnings.py"
CONTESTS, OBJECTIONS = "app/actions/contests.py", "tests/actions/test_objections.py"
ABSENCES, MISSED = "app/actions/absences.py", "tests/actions/test_absences.py"
RACES_FOR_CONTESTS = "tests/faults/test_races_for_contests.py"
KNOCKS = "app/gateways/stripe_webhooks.py"
SAVED_CARDS, AUTHORIZATIONS = "app/actions/saved_cards.py", "app/actions/authorizations.py"
SAVED, SAVED_RESTORED = "tests/actions/test_saved_cards.py", "tests/actions/test_restoring_saved_cards.py"
RENEWED, MOVED_FAR = "tests/actions/test_renewals.py", "tests/actions/test_far_moves.py"
GATEWAY, LABELS = "app/gateways/stripe_gateway.py", "app/actions/labels.py"


@dataclass(frozen=True)
class Mutation:
    """``old`` stands once in ``file`` and is replaced by ``new``."""

    name: str
    file: str
    old: str
    new: str
    proofs: tuple[str, ...]

    def planted_in(self, text: str) -> str:
        """Raises: ValueError if the code has moved on and the bug fits nowhere, or in several places."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {text.count(self.old)} times in {self.file}")
        return text.replace(self.old, self.new)


MUTATIONS = [
    # ---- operations
    Mutation("no look-up before a second try", OPERATIONS, "if order.tries > 1 or", "if", (ANSWERS, KILLS)),
    Mutation(
        "a new key for every try",
        ORDERS,
        'Key(f"{_environment}:{self.id}:{self.attempt}"',
        'Key(f"{_environment}:{self.id}:{self.attempt}:{self.tries}:{id(self)}"',
        (ANSWERS, KILLS),
    ),
    Mutation("the old key for ever", OPERATIONS, "if order.key_spent:", "if False:", (ANSWERS,)),
    Mutation(
        "an unclear answer is a refusal",
        OPERATIONS,
        "            leases.put_back(order, failure)\n",
        "            _refuse(order, kind, failure, now)\n",
        (ANSWERS,),
    ),
    Mutation(
        "a refusal is believed without a look",
        OPERATIONS,
        "        return _in_spite_of(refusal, kind, order)\n",
        "        raise\n",
        (LIFECYCLE, WEBHOOKS, HISTORIES),
    ),
    Mutation(
        "what contradicts itself is not parked",
        OPERATIONS,
        "        _park(order, failure, now)\n",
        "        leases.put_back(order, GatewayDown(str(failure)))\n",
        (ANSWERS,),
    ),
    Mutation("nothing says which operation made an object", LABELS, '"operation": operation_id,', "", (ANSWERS,)),
    Mutation(
        "the same effect at Stripe is adopted again and again",
        OPERATIONS,
        "if db.session.scalar(known) is not None:",
        "if False:",
        (WEBHOOKS, REFUNDS),
    ),
    Mutation(
        "a settled operation stays pending",
        OPERATIONS,
        "        if operation.state == OperationState.PENDING:\n            close(\n                operation,\n"
        "                OperationState.DONE",
        "        if False:\n            close(\n                operation,\n                OperationState.DONE",
        (ANSWERS, LIFECYCLE),
    ),
    # ---- payments
    Mutation(
        "the ledger in a second transaction",
        PAYMENTS,
        "    ledger.book_capture(booking,",
        "    db.session.commit()\n    ledger.book_capture(booking,",
        (KILLS,),
    ),
    Mutation("an amount is not compared", PAYMENTS, "intent.amount != payment.amount or", "", (ANSWERS,)),
    Mutation(
        "the price is charged at once",
        PAYMENTS,
        '"capture_method": "manual"',
        '"capture_method": "automatic"',
        (LIFECYCLE,),
    ),
    Mutation(
        "a card that comes too late stays held",
        PAYMENTS,
        'elif intent.status == "requires_capture" and operations.unsettled(payment.id) is None:',
        "elif False:",
        (LET_GO,),
    ),
    Mutation(
        "a hold that comes after the end stays",
        PAYMENTS,
        "if booking.state in UNPAID_ENDS and payment.state in (PaymentState.NEEDS_CARD, PaymentState.AUTHORIZED):",
        "if False:",
        (ANSWERS, KILLS),
    ),
    Mutation(
        "a cent less is captured",
        GATEWAY,
        '"amount_to_capture": amount.minor',
        '"amount_to_capture": amount.minor - 1',
        (LIFECYCLE,),
    ),
    Mutation(
        "a part that was charged counts as the whole",
        PAYMENTS,
        "payment.captured_minor = intent.received.minor",
        "payment.captured_minor = payment.authorized_minor",
        (WEBHOOKS, HISTORIES, BOOKS),
    ),
    Mutation(
        "a stale hold is forgotten with its finder",
        RELEASES,
        "payments.UNPAID_ENDS) | claimed",
        "payments.UNPAID_ENDS)",
        (KILLS, LET_GO),
    ),
    Mutation(
        "a late fee is charged also in time",
        CANCELLATIONS,
        "fee = booking.late_fee if is_late else nothing",
        "fee = booking.late_fee",
        (CALLED_OFF,),
    ),
    Mutation(
        "a void is forgotten when the answer is late",
        PAYMENTS,
        'return intent if intent.status in ("succeeded", "canceled") else None',
        'return intent if intent.status == "succeeded" else None',
        (ANSWERS, KILLS),
    ),
    Mutation(
        "whatever is looked up counts as the end",
        PAYMENTS,
        'return intent if intent.status in ("succeeded", "canceled") else None',
        "return intent",
        (ANSWERS, KILLS),
    ),
    Mutation(
        "a lapsed hold is called released",
        PAYMENTS,
        "PaymentState.LAPSED if lapsed else",
        "PaymentState.VOIDED if lapsed else",
        (LIFECYCLE,),
    ),
    Mutation(
        "a charge that only events tell of is missed",
        PAYMENTS,
        "            _authorized(payment, intent, _held_since(intent, now))\n            _captured(",
        "            _captured(",
        (WEBHOOKS, HISTORIES),
    ),
    Mutation(
        "refunds are not asked for",
        PAYMENTS,
        "    if intent.received:  # what",
        "    if False:  # what",
        (WEBHOOKS, REFUNDS),
    ),
    # ---- refunds
    Mutation(
        "a refund is never found again",
        GIVEN_BACK,
        'if any(refund.metadata.get("operation") == order.id for refund in refunds) else None',
        "if False else None",
        (ANSWERS, KILLS),
    ),
    Mutation(
        "more than was charged can be refunded",
        GIVEN_BACK,
        "not 0 < amount.minor <= left.minor",
        "not 0 < amount.minor",
        (REFUNDS,),
    ),
    Mutation("a form sent twice refunds twice", GIVEN_BACK, "if row.refunded != refunded:", "if False:", (REFUNDS,)),
    Mutation(
        "nobody hears that a refund came back",
        GIVEN_BACK,
        " if refund.status in GAVE_NOTHING_BACK else None",
        " if False else None",
        (REFUNDS,),
    ),
    Mutation(
        "a refund in the dashboard is not adopted",
        GIVEN_BACK,
        "    return operations.adopt(KIND,",
        "    return None and operations.adopt(KIND,",
        (WEBHOOKS, REFUNDS),
    ),
    Mutation(
        "a whole refund leaves the session completed",
        GIVEN_BACK,
        "if given.ends_as or payment.refunded == payment.captured:",
        "if False:",
        (LIFECYCLE, REFUNDS),
    ),
    # ---- mail
    Mutation(
        "a reminder is taken away before it is written",
        "app/actions/reminders.py",
        "            return\n        booking = Booking.one(",
        "            return\n    with atomically():\n        booking = Booking.one(",
        (f"{KILLS} -k remind_both",),
    ),
    Mutation(
        "whoever was too slow sends it all the same",
        "app/actions/outbox.py",
        "    if mail.state != MailState.WAITING or mail.tries != turn.tries:\n        return None\n",
        "",
        (OUTBOX,),
    ),
    Mutation(
        "a poor address is tried for ever",
        "app/gateways/mailer.py",
        "            if code in PERMANENT:\n",
        "            if False:\n",
        (OUTBOX,),
    ),
    Mutation(
        "a server that does not answer has lost the mail",
        "app/actions/outbox.py",
        "        spoil(turn, failure, now=now)\n        raise\n",
        "        _end(turn, MailState.GIVEN_UP, None, now=now)\n        raise\n",
        (OUTBOX,),
    ),
    # ---- ledger
    Mutation(
        "commission by refund, not by their sum",
        LEDGER,
        "    commission = commission_of(captured, before, booking.commission_bps) - commission_of(\n"
        "        captured, after, booking.commission_bps\n    )",
        "    commission = Money((after - before).minor * booking.commission_bps // 10_000, captured.currency)",
        (REFUNDS, HISTORIES),
    ),
    Mutation(
        "the commission is rounded down",
        "app/kit/money.py",
        "basis_points + 5_000) // 10_000",
        "basis_points) // 10_000",
        ("tests/kit/test_money.py",),
    ),
    Mutation(
        "the platform forgets its share",
        LEDGER,
        '    post(operation_id, "commission", CHARGES, COMMISSION, commission, now=now)\n',
        "",
        (LIFECYCLE, BOOKS),
    ),
    Mutation(
        "a balance is overwritten", LEDGER, "Balance.minor + row.excluded.minor", "row.excluded.minor", (BOOKS, REFUNDS)
    ),
    Mutation(
        "only one side is kept",
        LEDGER,
        "sorted({debit: -amount.minor, credit: amount.minor}.items())",
        "sorted({credit: amount.minor}.items())",
        (BOOKS,),
    ),
    Mutation(
        "Stripe's fee is not booked",
        SETTLEMENTS,
        '            ("fee", ledger.STRIPE_FEES, ledger.STRIPE, movement.fee),\n',
        "",
        (BOOKS,),
    ),
    Mutation("Stripe's entries are booked again", SETTLEMENTS, "if _is_booked(movement):", "if False:", (BOOKS,)),
    Mutation(
        "the journal is never read again",
        SETTLEMENTS,
        "min(waiting, default=max(seen, default=reached or now))",
        "max(seen, default=reached or now)",
        (BOOKS,),
    ),
    # ---- bookings
    Mutation("the quote does not bind", CANCELLATIONS, "if current.token != quoted:", "if False:", (LIFECYCLE,)),
    Mutation(
        "a session is completed before it begins",
        BOOKINGS,
        "    reason = cannot_complete(booking, now=now)\n",
        "    reason = None\n",
        (LIFECYCLE,),
    ),
    Mutation(
        "a mentee may be in two places",
        BOOKINGS,
        "timetable.claim(slot, booking.id, mentee=mentee_id)",
        "timetable.claim(slot, booking.id, mentee=mentor.user_id)",
        (LIFECYCLE,),
    ),
    Mutation(
        "an hour that has ended stays taken",
        "app/actions/endings.py",
        "    SlotClaim.erase(SlotClaim.booking_id == booking.id)\n",
        "",
        (LIFECYCLE,),
    ),
    Mutation(
        "two customers for one person",
        "app/actions/customers.py",
        'return gateway.find_customer(order.params["email"], order.id)',
        "return None",
        (KILLS,),
    ),
    Mutation(
        "an unpaid intent stays open",
        BOOKINGS,
        "    return saved_cards.give_up(payment, by=by, now=now, ends_as=state, because=because)",
        "    return None",
        (LIFECYCLE,),
    ),
    # ---- transactions
    Mutation(
        "SQLite begins by reading",
        "app/extensions.py",
        '"BEGIN IMMEDIATE" if writing else "BEGIN"',
        '"BEGIN"',
        (RACES,),
    ),
    Mutation(
        "commits wait for no disk", "app/extensions.py", '"synchronous = FULL"', '"synchronous = NORMAL"', (POWER_CUT,)
    ),
    Mutation(
        "rows are not locked",
        "app/models/base.py",
        "        .with_for_update(of=cls, key_share=True)\n",
        "",
        (RACES,),
    ),
    Mutation(
        "what the database breaks off is not done again",
        "app/actions/transactions.py",
        "if broken_off == MOST_TIMES or _sqlstate(error) not in BROKEN_OFF:",
        "if True:",
        ("tests/actions/test_transactions.py", RACES),
    ),
    # ---- several at once
    Mutation(
        "the minutes of a booking are not claimed",
        BOOKINGS,
        "            timetable.claim(slot, booking.id, mentee=mentee_id)\n",
        "",
        (RACES_FOR_TIME,),
    ),
    Mutation(
        "a mentor's buffers are not claimed",
        "app/actions/timetables.py",
        "mentee=mentee, rest=self.rest)",
        "mentee=mentee, rest=Rest())",
        (RACES_FOR_TIME,),
    ),
    Mutation(
        "whoever is second to a place in a day is refused, though there are others",
        BOOKINGS,
        ", again=(PLACES, TRIALS))",
        ")",
        (RACES_FOR_TIME,),
    ),
    Mutation(
        "a session that took place leaves its place in the day",
        "app/models/states.py",
        "COUNTED_BOOKING = (*LIVE_BOOKING, B.COMPLETED, B.NO_SHOW)",
        "COUNTED_BOOKING = LIVE_BOOKING",
        (AVAILABILITY,),
    ),
    Mutation(
        "a form that is sent twice at once is told that somebody was faster",
        BOOKINGS,
        """        if earlier is None:
            raise
""",
        """        raise
""",
        (RACES_FOR_TIME,),
    ),
    Mutation(
        "the price is today's and not the booking's",
        BOOKINGS,
        "        amount=booking.price,\n",
        "        amount=booking.mentor.price_for(booking.minutes),\n",
        (RACES_FOR_TIME,),
    ),
    # ---- what is contested
    Mutation(
        "what is contested is cleared all the same",
        "app/actions/objections.py",
        "        earnings.contest(payment)\n",
        "",
        (OBJECTIONS, RACES_FOR_CONTESTS),
    ),
    Mutation(
        "a charge that was contested before it was counted is cleared",
        EARNINGS,
        "if Objection.live_of(payment.booking_id) is None:",
        "if True:",
        (MISSED,),
    ),
    Mutation(
        "earnings are cleared while a refund is not settled",
        EARNINGS,
        "if not payment.is_free:",
        "if False:",
        (CLEARED,),
    ),
    Mutation(
        "what was refunded is made available",
        LEDGER,
        "    left = captured - refunded - commission_of(captured, refunded, booking.commission_bps)\n",
        "    left = captured - commission_of(captured, refunded, booking.commission_bps)\n",
        (CLEARED,),
    ),
    Mutation(
        "a refund after the clearing comes from what is pending",
        LEDGER,
        "available_of(booking.mentor_id) if cleared else",
        "pending_of(booking.mentor_id) if cleared else",
        (CLEARED,),
    ),
    Mutation(
        "an objection of which nothing is left stays open",
        CONTESTS,
        "objection = None if payment.left else Objection.live_of(booking.id)",
        "objection = None",
        (OBJECTIONS, MISSED),
    ),
    Mutation(
        "silence accepts what was proposed just now",
        "app/actions/objections.py",
        "if objection is None or objection.answer_by is None or now < objection.answer_by:",
        "if objection is None:",
        (OBJECTIONS,),
    ),
    Mutation(
        "a newer proposal than the page showed is accepted",
        "app/actions/objections.py",
        "    if seen != objection.standing.number:\n",
        "    if False:\n",
        (OBJECTIONS,),
    ),
    Mutation(
        "an absent mentor has longer than the hold stands",
        ABSENCES,
        "payment.release_at = until = holds.release_at(booking.complete_by, payment.capture_before)",
        "payment.release_at = until = booking.complete_by",
        (MISSED,),
    ),
    Mutation(
        "a contested absence charges nothing",
        ABSENCES,
        "begin = bookings.begin_completion if took_place else bookings.begin_no_show",
        "begin = bookings.begin_no_show",
        (MISSED,),
    ),
    # ---- requests
    Mutation(
        "a request that is being let go of can be accepted",
        APPROVALS,
        "        if operations.unsettled(payment.id) is not None:\n",
        "        if False:\n",
        (ANSWERS_TO_REQUESTS, RACES_FOR_ANSWERS),
    ),
    Mutation(
        "a request that was answered lapses all the same",
        APPROVALS,
        "if not deadlines.take_away(reached) or not waits:",
        "if deadlines.take_away(reached) and not waits:",
        (ANSWERS_TO_REQUESTS, RACES_FOR_ANSWERS),
    ),
    Mutation(
        "whoever takes a request back late pays for it",
        CANCELLATIONS,
        "is_late = stands and by ==",
        "is_late = by ==",
        (ANSWERS_TO_REQUESTS,),
    ),
    Mutation(
        "a request is accepted though its time is over",
        APPROVALS,
        "if booking.answer_by is not None and now >= booking.answer_by:",
        "if False:",
        (ANSWERS_TO_REQUESTS, HISTORIES),
    ),
    Mutation(
        "a saved card is not asked any more if its day came before its mentor's answer",
        AUTHORIZATIONS,
        "if booking.state == BookingState.REQUESTED:",
        "if False:",
        (ANSWERS_TO_REQUESTS,),
    ),
    # ---- other times
    Mutation(
        "a hold is let go of by the time that its session was to be at",
        REACHES,
        "        payment.release_at = holds.release_at(booking.complete_by, payment.capture_before)\n",
        "",
        (MOVES, HISTORIES),
    ),
    Mutation(
        "until when it is free to cancel goes along with the session",
        RESCHEDULES,
        "        booking.complete_by = holds.complete_by(slot.ends_at)\n",
        "        booking.complete_by = holds.complete_by(slot.ends_at)\n        booking.free_until = slot.starts_at\n",
        (MOVES, HISTORIES),
    ),
    Mutation(
        "a saved card is asked before the time that its session was to be at",
        "app/actions/planned_holds.py",
        "    deadlines.lift_all(deadlines.OF_SAVED_CARDS, payment.id)\n",
        "",
        (MOVES,),
    ),
    # ---- webhooks
    Mutation("an event is not stored once only", INBOX, "        .on_conflict_do_nothing()\n", "", (RACES, DOOR)),
    Mutation(
        "an old signature with a new time beside it will do",
        KNOCKS,
        "len(stamps) == 1",
        "len(stamps) >= 1",
        (DOOR, AT_THE_DOOR),
    ),
    Mutation(
        "broken chunks are our mistake",
        "app/web/bodies.py",
        "except ParseException as error:",
        "except ZeroDivisionError as error:",
        (DOOR,),
    ),
    Mutation(
        "any signature will do",
        KNOCKS,
        "if not any(is_signed(text, header, secret) for secret in secrets):",
        "if False:",
        (DOOR, AT_THE_DOOR),
    ),
    Mutation(
        "a signature of the future will do",
        KNOCKS,
        "abs(now - datetime.fromtimestamp(int(stamps[0]), UTC)) <= TOLERANCE",
        "now - datetime.fromtimestamp(int(stamps[0]), UTC) <= TOLERANCE",
        (DOOR, AT_THE_DOOR),
    ),
    Mutation("live events move test money", INBOX, "knock.livemode != livemode or", "", (WEBHOOKS, AT_THE_DOOR)),
    Mutation("events of other accounts are used", INBOX, "knock.account is not None or", "", (WEBHOOKS, AT_THE_DOOR)),
    Mutation(
        "a payment is resurrected by an old event",
        PAYMENTS,
        "    if payment.state not in NOTHING_HELD:\n        return\n    booking, was_saved",
        "    if payment.state == PaymentState.AUTHORIZED:\n        return\n    booking, was_saved",
        (WEBHOOKS, HISTORIES),
    ),
    # ---- saved cards
    Mutation(
        "nobody looks whether the price is held already",
        AUTHORIZATIONS,
        "    if reached.kind == deadlines.AUTHORIZE:\n        _look_for",
        "    if False:\n        _look_for",
        (SAVED_RESTORED,),
    ),
    Mutation("a bank that declined is not asked again", AUTHORIZATIONS, "if again is not None:", "if False:", (SAVED,)),
    Mutation(
        "who gives a card up does not wait for who asks",
        AUTHORIZATIONS,
        "reached.kind == deadlines.GIVE_UP and not too_late and _is_still_to_be_asked(payment.id, now)",
        "False",
        (SAVED,),
    ),
    Mutation(
        "each try has a PaymentIntent of its own",
        AUTHORIZATIONS,
        "_ask(payment, now=now) if payment.intent_id else _prepare",
        "_prepare",
        (SAVED,),
    ),
    Mutation(
        "what a saved card holds for an hour that was called off stays",
        AUTHORIZATIONS,
        "    payments.agree(payment, intent, now=now)\n    saved_cards.give_up_ended(order, payment, now=now, "
        "state=OperationState.DONE)\n    return intent",
        "    payments.agree(payment, intent, now=now)\n    return intent",
        (SAVED, KILLS),
    ),
    Mutation("the saved card is asked as if its owner were there", GATEWAY, '"off_session": True,', "", (SAVED,)),
    Mutation(
        "a hold is made anew and the older one stays",
        "app/actions/renewals.py",
        '    superseded_holds.let_go(order.params["metadata"][REPLACES] if is_made else intent.id, payment, now=now)\n',
        "",
        (RENEWED, HISTORIES),
    ),
    Mutation(
        "the older hold was charged, and the newer one stays",
        "app/actions/superseded_holds.py",
        "            let_go(payment.intent_id, payment, now=now)\n",
        "",
        (RENEWED,),
    ),
    Mutation(
        "the older hold was charged, and nobody reads the charge",
        "app/actions/standing_holds.py",
        "intent.id\n    note(payment, Booking.locked(payment.booking_id), intent)\n\n\ndef given_up",
        "intent.id\n\n\ndef given_up",
        (RENEWED,),
    ),
    Mutation(
        "a hold that was given up for a plan comes back with any news of it",
        PAYMENTS,
        "    if standing_holds.is_past(payment, intent):\n",
        "    if False:\n",
        (MOVED_FAR,),
    ),
    Mutation(
        "a session moves beyond its hold, which stays on the card",
        REACHES,
        "    return superseded_holds.let_go(older, payment, now=now)\n",
        "    return None\n",
        (MOVED_FAR, KILLS, HISTORIES),
    ),
    Mutation(
        "who moves a session far away gets around its fee",
        REACHES,
        "    if reach.secures_a_fee:\n        raise IllegalMove(FEE_STANDS)\n",
        "",
        (MOVED_FAR,),
    ),
    Mutation(
        "a hold is let go before the newer one is made",
        RELEASES,
        "if not is_missed and renewals.is_called_for(payment, booking, now=now):",
        "if False:",
        (RENEWED,),
    ),
    Mutation(
        "a card is saved without a word of its owner",
        "app/actions/wishes.py",
        "if found.is_deferred and not (wish.consent or wish.is_trial):",
        "if False:",
        (SAVED,),
    ),
    Mutation(
        "a saved card outlives its booking in the list of what is due",
        "app/actions/endings.py",
        "if payment is not None and payment.authorize_at is not None:",
        "if False:",
        (SAVED,),
    ),
    Mutation(
        "a saved card is forgotten without a trace at Stripe",
        SAVED_CARDS,
        "labels.on_end(written)",
        "{}",
        (SAVED, SAVED_RESTORED),
    ),
    Mutation(
        "a card that is saved too late revives its hour",
        SAVED_CARDS,
        "    if booking.state == BookingState.PENDING_PAYMENT:\n        payment.decline_message = None\n",
        "    if True:\n        payment.decline_message = None\n",
        (SAVED,),
    ),
]
