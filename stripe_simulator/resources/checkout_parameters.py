"""What a Checkout Session may be asked for, and which wishes do not go together.

Source: https://docs.stripe.com/api/checkout/sessions/create
"""

from __future__ import annotations

from typing import Any

from ..errors import invalid, missing_parameter, not_simulated
from ..money import Currency
from ..params import Array, Flag, Hash, Integer, Metadata, Required, SomeOf, Text, Type, Url, one_of
from .payment_methods import ADDRESS
from .prices import INTERVALS

_SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
_USAGE = one_of("off_session", "on_session")
_OTHER_METHODS = tuple(
    """acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum blik
    boleto cashapp crypto customer_balance eps fpx giropay grabpay ideal kakao_pay klarna konbini kr_card link mb_way
    mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay
    revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi us_bank_account
    wechat_pay zip""".split()
)
_OTHER_LOCALES = tuple(
    """bg cs da de el en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru
    sk sl sv th tr vi zh zh-HK zh-TW""".split()
)
_REDISPLAY = one_of("always", "limited", "unspecified")


class _Off:
    """A feature that is not simulated and may only be declined."""

    def read(self, value: Any, name: str) -> bool:
        if Flag().read(value, name):
            raise not_simulated(f"{name}=true")
        return False


_DISABLED = Hash({"enabled": Required(_Off())})
_PRODUCT_DATA = Hash(
    {
        "name": Required(Text()),
        "description": Text(most=40_000),
        "images": Array(Text(), most=8),
        "metadata": Metadata(),
        "unit_label": Text(most=12),
    }
)
_PRICE_DATA = Hash(
    {
        "currency": Required(Currency()),
        "unit_amount": Integer(least=0),
        "product": Text(),
        "product_data": _PRODUCT_DATA,
        "recurring": Hash({"interval": Required(INTERVALS), "interval_count": Integer(least=1)}),
        "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
    }
)
_LINE_ITEM = Hash(
    {"price": Text(), "price_data": _PRICE_DATA, "quantity": Integer(least=1, most=999_999), "metadata": Metadata()}
)
_SHIPPING = Hash({"address": Required(Hash(ADDRESS)), "name": Required(Text()), "phone": Text()})
_PAYMENT_INTENT = Hash(
    {
        "capture_method": one_of("automatic", "automatic_async", "manual"),
        "description": Text(most=1_000),
        "metadata": Metadata(),
        "receipt_email": Text(),
        "setup_future_usage": _USAGE,
        "shipping": _SHIPPING,
        "statement_descriptor_suffix": Text(most=22),
        "transfer_group": Text(),
    }
)
_SUBSCRIPTION = Hash({"metadata": Metadata(), "trial_period_days": Integer(least=1, most=730)})
_SAVED = Hash(
    {
        "allow_redisplay_filters": Array(_REDISPLAY, most=3),
        "payment_method_remove": SomeOf(("disabled",), ("enabled",)),
        "payment_method_save": one_of("disabled", "enabled"),
    }
)
CREATE: dict[str, Type] = {
    "mode": Required(one_of("payment", "setup", "subscription")),
    "line_items": Array(_LINE_ITEM, most=100),
    "ui_mode": SomeOf(("hosted_page",), ("elements", "embedded_page", "form")),
    "success_url": Url(),
    "cancel_url": Url(),
    "expires_at": Integer(least=0),
    "client_reference_id": Text(most=200),
    "metadata": Metadata(),
    "currency": Currency(),
    "customer": Text(),
    "customer_email": Text(most=800),
    "customer_creation": one_of("always", "if_required"),
    "payment_intent_data": _PAYMENT_INTENT,
    "setup_intent_data": Hash({"description": Text(most=1_000), "metadata": Metadata()}),
    "subscription_data": _SUBSCRIPTION,
    "payment_method_options": Hash(
        {"card": Hash({"request_three_d_secure": one_of("automatic", "any", "challenge")})},
    ),
    "payment_method_data": Hash({"allow_redisplay": _REDISPLAY}),
    "saved_payment_method_options": _SAVED,
    "allowed_payment_method_types": Array(SomeOf(("card",), _OTHER_METHODS)),
    "payment_method_collection": SomeOf(("always",), ("if_required",)),
    "billing_address_collection": SomeOf(("auto",), ("required",)),
    "submit_type": one_of("auto", "pay", "book", "donate", "subscribe"),
    "locale": SomeOf(("auto", "en"), _OTHER_LOCALES),
    "allow_promotion_codes": _Off(),
    "adaptive_pricing": Hash({"enabled": _Off()}),
    "automatic_tax": _DISABLED,
    "invoice_creation": _DISABLED,
    "managed_payments": Hash({"enabled": _Off()}),
    "phone_number_collection": _DISABLED,
    "tax_id_collection": _DISABLED,
}


_ONLY_IN = {
    "payment_intent_data": ("payment",),
    "setup_intent_data": ("setup",),
    "subscription_data": ("subscription",),
    "line_items": ("payment", "subscription"),
    "customer_creation": ("payment", "setup"),
    "payment_method_collection": ("subscription",),
    "submit_type": ("payment",),
    "saved_payment_method_options": ("payment", "subscription"),
}


def check(params: dict[str, Any], now: int) -> None:
    """Refuse wishes that contradict each other or the mode. `now` in Unix seconds. Raises: ApiError 400."""
    mode = params["mode"]
    for name, modes in _ONLY_IN.items():
        if name in params and mode not in modes:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    needed = ["success_url"] if mode == "setup" else ["success_url", "line_items"]
    for name in needed:
        if not params.get(name):
            raise missing_parameter(name)
    if mode == "setup" and not (params.get("currency") or params.get("allowed_payment_method_types")):
        raise missing_parameter("currency")
    for other in ("customer_email", "customer_creation"):
        if "customer" in params and other in params:
            raise invalid(f"You may only specify one of these parameters: customer, {other}.", param="customer")
    _check_expiry(params.get("expires_at"), now)


def _check_expiry(at: int | None, now: int) -> None:
    if at is None:
        return
    if at < now + _SHORTEST_SECONDS:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", param="expires_at"
        )
    if at > now + LONGEST_SECONDS:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", param="expires_at"
        )
