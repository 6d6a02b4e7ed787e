"""The platform's own account. Source: https://docs.stripe.com/api/accounts"""

from __future__ import annotations

from ..routing import Call, endpoint
from ..shapes import Object


@endpoint("GET", "/v1/account")
def retrieve_own(call: Call) -> Object:
    return {
        "id": call.work.account,
        "object": "account",
        "business_profile": {
            "mcc": None,
            "name": "Simulated platform",
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "platform@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": "Simulated platform", "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": "SIMULATED PLATFORM",
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
        },
        "type": "standard",
    }
