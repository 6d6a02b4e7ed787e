"""What Stripe answers to what cannot be done. Source: https://docs.stripe.com/error-codes"""

from __future__ import annotations

import stripe

from .registry import documented, recorded, unverified
from .world import World, refused, same


@recorded()
def capturing_twice_is_unexpected_state_with_the_whole_intent(world: World) -> None:
    hold = world.hold()
    world.api.payment_intents.capture(hold.id)
    error = refused(lambda: world.api.payment_intents.capture(hold.id))
    same((error.http_status, error.code), (400, "payment_intent_unexpected_state"))
    same((error.error.payment_intent.id, error.error.payment_intent.status), (hold.id, "succeeded"))


@recorded()
def canceling_what_is_paid_is_unexpected_state_with_the_whole_intent(world: World) -> None:
    paid = world.payment()
    error = refused(lambda: world.api.payment_intents.cancel(paid.id))
    same((error.http_status, error.code), (400, "payment_intent_unexpected_state"))
    same(error.error.payment_intent.id, paid.id)


@recorded()
def capturing_more_than_was_authorized_is_amount_too_large(world: World) -> None:
    hold = world.hold()
    error = refused(lambda: world.api.payment_intents.capture(hold.id, {"amount_to_capture": 5001}))
    same((error.http_status, error.code), (400, "amount_too_large"))


@recorded()
def capturing_nothing_is_an_invalid_integer(world: World) -> None:
    hold = world.hold()
    error = refused(lambda: world.api.payment_intents.capture(hold.id, {"amount_to_capture": 0}))
    same((error.http_status, error.code), (400, "parameter_invalid_integer"))


@recorded()
def refunding_more_than_is_left_names_the_amount_and_has_no_code(world: World) -> None:
    paid = world.payment()
    error = refused(lambda: world.api.refunds.create({"payment_intent": paid.id, "amount": 5001}))
    same((error.http_status, error.error.param, error.code), (400, "amount", None))


@recorded()
def refunding_what_is_all_refunded_is_charge_already_refunded(world: World) -> None:
    paid = world.payment()
    world.api.refunds.create({"payment_intent": paid.id})
    error = refused(lambda: world.api.refunds.create({"payment_intent": paid.id}))
    same((error.http_status, error.code), (400, "charge_already_refunded"))


@recorded()
def refunding_an_uncaptured_hold_is_told_to_cancel_instead(world: World) -> None:
    hold = world.hold()
    error = refused(lambda: world.api.refunds.create({"payment_intent": hold.id}))
    same((error.http_status, "cancel" in error.user_message.lower()), (400, True))


@recorded()
def a_decline_is_a_402_with_charge_intent_and_payment_method(world: World) -> None:
    error = refused(lambda: world.hold("pm_card_chargeDeclined"))
    same((type(error), error.http_status, error.error.type), (stripe.CardError, 402, "card_error"))
    same((error.code, error.error.decline_code), ("card_declined", "generic_decline"))
    intent = error.error.payment_intent
    same((intent.status, intent.payment_method), ("requires_payment_method", None))
    same((error.error.charge, error.error.payment_method.object), (intent.latest_charge, "payment_method"))
    same(intent.last_payment_error.code, "card_declined")


@recorded()
def authentication_needed_off_session_is_a_402_without_a_charge(world: World) -> None:
    customer = world.api.customers.create({})
    method = world.api.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    error = refused(lambda: world.hold(method.id, customer=customer.id, off_session=True))
    same((error.http_status, error.code), (402, "authentication_required"))
    same("charge" in error.error and error.error.charge is not None, False)


@recorded()
def an_unknown_parameter_is_parameter_unknown(world: World) -> None:
    error = refused(lambda: world.intent(colour="red"))
    same((error.http_status, error.code, error.error.param), (400, "parameter_unknown", "colour"))


@recorded(needs="faults")
def a_locked_object_is_a_429_lock_timeout_of_type_invalid_request(world: World) -> None:
    world.fault("lock_timeout_429")
    error = refused(world.intent)
    same((error.http_status, error.error.code, error.error.type), (429, "lock_timeout", "invalid_request_error"))


@recorded(needs="faults")
def the_rate_limit_is_a_429_that_the_library_does_not_retry(world: World) -> None:
    world.fault("rate_limit_429")
    same(type(refused(world.intent)), stripe.RateLimitError)


@unverified()
def an_unknown_id_in_the_path_is_a_404_resource_missing(world: World) -> None:
    error = refused(lambda: world.api.payment_intents.retrieve("pi_000000000000000000000000"))
    same((error.http_status, error.code), (404, "resource_missing"))


@unverified()
def an_upper_case_currency_is_refused(world: World) -> None:
    error = refused(lambda: world.intent(currency="USD"))
    same((error.http_status, error.error.param), (400, "currency"))


@documented()
def payment_method_types_is_no_longer_supported(world: World) -> None:
    wish = {"amount": 5000, "currency": "usd", "payment_method_types": ["card"]}
    error = refused(lambda: world.api.payment_intents.create(wish))  # type: ignore[arg-type]
    same((error.http_status, error.code), (400, "payment_method_types_no_longer_supported"))
