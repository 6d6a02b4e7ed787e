"""Stripe's knock: whatever is wrong with it is a 400 and leaves nothing; what is right is stored once."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app, jobs
from app.extensions import db
from app.gateways.stripe_gateway import StripeGateway
from app.kit import clock
from app.models.booking import Booking
from app.models.event import EventState, StripeEvent
from app.models.states import BookingState
from stripe_simulator.webhooks import signature
from tests.apart import apart
from tests.conftest import settings_for
from tests.people import fresh
from tests.simulator.in_process import InProcessClient
from tests.stripe_double import WEBHOOK_PATH, Stripe
from tests.web.effects import effects, nothing_happens

Knock = Callable[..., TestResponse]


@pytest.fixture
def knock(app: Flask, stripe: Stripe) -> Knock:
    """Send a body as Stripe would, unless told otherwise."""

    def send(body: bytes | str | dict[str, Any], *, header: str | None = None, **signed: Any) -> TestResponse:
        db.session.rollback()
        if isinstance(body, dict):
            body = json.dumps(body)
        raw = body.encode() if isinstance(body, str) else body
        if header is None:
            header = signature(raw, (signed.get("at") or stripe.now()).timestamp(), signed.get("secret", "whsec_test"))
        answer: TestResponse = apart(
            app.test_client().post, WEBHOOK_PATH, data=raw, headers={"Stripe-Signature": header} if header else {}
        )
        return answer

    return send


def event(about: str = "pi_unknown", **changes: Any) -> dict[str, Any]:
    told = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.amount_capturable_updated",
        "livemode": False,
        "data": {"object": {"id": about, "object": "payment_intent"}},
    }
    return {**told, **changes}


@pytest.fixture
def body() -> str:
    return json.dumps(event())


def test_what_stripe_did_not_sign_leaves_nothing(knock: Knock, stripe: Stripe, body: str, subtests: pytest.Subtests):
    now = int(stripe.now().timestamp())
    good = signature(body.encode(), now, "whsec_test")
    mac = good.split("v1=")[1]
    forged = [
        "",
        "t=,v1=",
        "v1=" + mac,
        f"t={now}",
        f"t={now},v1=",
        f"t={now},v1=" + "0" * 64,
        f"t={now},v0={mac}",
        f"t={now}{0},v1={mac}",
        f"t={now}," + signature(body.encode(), now - 86_400, "whsec_test"),
        f"x=1, t={now}," + signature(body.encode(), now - 86_400, "whsec_test"),
        f"t={now + 1},v1={mac}",
        f"t={'9' * 11},v1={mac}",
        f"t={'9' * 4_000},v1={mac}",
        f"t=-1,v1={mac}",
        f"t=NaN,v1={mac}",
        f"t={now}.5,v1={mac}",
        f"t,v1,{mac}",
        "=,=,=",
        ",",
        f"t={now},v1=café",
        f"t={now},v1={mac[:-1]}é",
        f"é={now},t={now},v1={mac}",
        signature(body.encode(), now, "whsec_other"),
        signature(body.encode(), now, ""),
        signature(body.encode() + b" ", now, "whsec_test"),
    ]
    with nothing_happens(stripe):
        for header in forged:
            with subtests.test(header[:60]):
                answer = knock(body, header=header)
                assert answer.status_code == 400
                assert answer.json["error"] == "Not signed by our payment provider"
                assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("off", [timedelta(seconds=-301), timedelta(seconds=301), timedelta(days=-3)])
def test_an_old_signature_and_one_from_the_future_leave_nothing(
    knock: Knock, stripe: Stripe, body: str, off: timedelta
):
    with nothing_happens(stripe):
        assert knock(body, at=stripe.now() + off).status_code == 400
    within = timedelta(seconds=299) if off > timedelta() else timedelta(seconds=-299)
    assert knock(body, at=stripe.now() + within).status_code == 200


def test_what_is_signed_and_still_no_event_leaves_nothing(knock: Knock, stripe: Stripe, subtests: pytest.Subtests):
    good = json.dumps(event())
    broken: list[tuple[str, bytes | str | dict[str, Any]]] = [
        ("nothing", b""),
        ("bad UTF-8", b'{"id": "\xff\xfe"}'),
        ("a byte order mark", b"\xef\xbb\xbf" + good.encode()),
        ("UTF-16", good.encode("utf-16")),
        ("NUL", good.replace("evt_1", "evt\0_1")),
        ("an escaped NUL in the id", good.replace("evt_1", "evt\\u0000_1")),
        ("half a letter in the id", good.replace("evt_1", "\\ud800")),
        ("not JSON", "id=evt_1"),
        ("half of it", good[:-5]),
        ("two of it", good + good),
        ("deep arrays", "[" * 100_000 + "]" * 100_000),
        ("deep objects", '{"a":' * 40_000 + "1" + "}" * 40_000),
        ("deep inside of an event", good.replace('"payment_intent"', "[" * 50_000 + "]" * 50_000)),
        ("an array", "[]"),
        ("a string", '"event"'),
        ("null", "null"),
        ("a long number", "9" * 10_000),
        ("NaN", "NaN"),
        ("an id twice", good.replace('"id": "evt_1"', '"id": "evt_1", "id": "evt_2"')),
        ("a type twice", good.replace('"livemode"', '"type": "charge.refunded", "livemode"')),
        ("no id", {key: value for key, value in event().items() if key != "id"}),
        ("no livemode", {key: value for key, value in event().items() if key != "livemode"}),
        ("no data", {key: value for key, value in event().items() if key != "data"}),
        ("data is an array", event(data=[])),
        ("data is null", event(data=None)),
        ("the object is an array", event(data={"object": []})),
        ("the object of another type is an array", event(type="charge.refunded", data={"object": []})),
        ("the object of another type is a string", event(type="charge.refunded", data={"object": "ch_1"})),
        ("the object has no id", event(data={"object": {}})),
        ("the object's id is null", event(data={"object": {"id": None}})),
        ("the object's id is a number", event(data={"object": {"id": 7}})),
        ("the object's id is long", event("x" * 500)),
        ("the intent is an object", event(type="charge.refunded", data={"object": {"payment_intent": {}}})),
        ("the id is a number", event(id=7)),
        ("the id is empty", event(id="")),
        ("the id is long", event(id="e" * 5_000)),
        ("the id has a quote", event(id="evt'; DROP TABLE stripe_event")),
        ("the type is a number", event(type=7)),
        ("the type is an array", event(type=["payment_intent.created"])),
        ("livemode is a word", event(livemode="false")),
        ("the account is a number", event(account=7)),
    ]
    with nothing_happens(stripe):
        for what, sent in broken:
            with subtests.test(what):
                answer = knock(sent)
                assert answer.status_code == 400
                assert answer.headers["Content-Type"] == "application/json"


def test_a_body_over_256_kilobytes_is_refused_unread(knock: Knock, stripe: Stripe):
    with nothing_happens(stripe):
        assert knock(event(filler="x" * 262_144)).status_code == 413
    assert knock(event(filler="x" * 200_000)).status_code == 200


def test_an_event_is_success_once_and_then_already_processed(
    anns_hour: Booking, knock: Knock, stripe: Stripe, app: Flask
):
    stripe.pay(anns_hour)
    intent = stripe.intent_of(anns_hour).id
    first, again = knock(event(intent)), knock(event(intent))
    assert (first.status_code, first.json) == (200, {"status": "success"})
    assert (again.status_code, again.json) == (200, {"status": "already_processed"})
    jobs.run("handle_events")
    assert fresh(anns_hour).state == BookingState.CONFIRMED
    other = knock(event(intent, id="evt_2"))
    assert (other.status_code, other.json) == (200, {"status": "payment_already_processed"})
    assert _states() == {"evt_1": EventState.HANDLED, "evt_2": EventState.HANDLED}


def test_stripes_own_deliveries_in_any_order_confirm_once(anns_hour: Booking, stripe: Stripe, app: Flask):
    stripe.pay(anns_hour)
    stripe.simulator.webhooks.reverse_pending()
    assert stripe.deliver(app) > 1
    jobs.run("handle_events")
    assert fresh(anns_hour).state == BookingState.CONFIRMED
    rows = effects(stripe)[0]
    assert stripe.deliver(app) == 0
    assert effects(stripe)[0] == rows


@pytest.mark.parametrize("foreign", [{"livemode": True}, {"account": "acct_of_someone_else"}], ids=["live", "account"])
def test_what_is_meant_for_another_installation_is_kept_and_not_used(
    anns_hour: Booking, knock: Knock, stripe: Stripe, foreign: dict[str, Any]
):
    stripe.pay(anns_hour)
    answer = knock(event(stripe.intent_of(anns_hour).id, **foreign))
    assert (answer.status_code, answer.json) == (200, {"status": "success"})
    assert _states() == {"evt_1": EventState.QUARANTINED}
    assert fresh(anns_hour).state == BookingState.PENDING_PAYMENT


def test_a_payment_that_is_not_ours_is_set_aside(knock: Knock, stripe: Stripe):
    theirs = stripe.client.v1.payment_intents.create({"amount": 100, "currency": "eur"})
    assert knock(event(theirs.id)).json == {"status": "success"}
    assert _states() == {"evt_1": EventState.RECEIVED}
    jobs.run("handle_events")
    assert _states() == {"evt_1": EventState.QUARANTINED}


def test_events_about_nothing_of_ours_are_taken_note_of(knock: Knock, stripe: Stripe):
    assert knock(event(type="customer.created", data={"object": {"id": "cus_1"}})).json == {"status": "success"}
    assert _states() == {"evt_1": EventState.HANDLED}


@pytest.fixture
def app_with_two_secrets(database_url: str, stripe: Stripe) -> Iterator[Flask]:
    settings = settings_for(database_url, stripe_webhook_secrets=("whsec_old", "whsec_new"))
    gateway = StripeGateway(
        settings.stripe_secret_key, api=settings.stripe_api, http_client=InProcessClient(stripe.simulator)
    )
    made = create_app(settings, gateway=gateway)
    clock.use(stripe.now)
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


def test_while_secrets_are_rolled_both_are_good(app_with_two_secrets: Flask, stripe: Stripe):
    for secret, status in (("whsec_old", 200), ("whsec_new", 200), ("whsec_test", 400)):
        raw = json.dumps(event(type="ping", id=f"evt_{secret}")).encode()
        header = {"Stripe-Signature": signature(raw, stripe.now().timestamp(), secret)}
        answer = apart(app_with_two_secrets.test_client().post, WEBHOOK_PATH, data=raw, headers=header)
        assert answer.status_code == status, secret
    assert set(_states()) == {"evt_whsec_old", "evt_whsec_new"}


def _states() -> dict[str, EventState]:
    db.session.rollback()
    db.session.expire_all()
    return {row.id: row.state for row in db.session.scalars(db.select(StripeEvent))}
