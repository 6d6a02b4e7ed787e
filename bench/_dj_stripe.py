"""dj-stripe as its documentation sets it up: verified and stored, and no object synced.

Run as a program it makes its tables and its endpoint.
"""

from __future__ import annotations

import os
from uuid import UUID

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from psycopg.conninfo import conninfo_to_dict

ENDPOINT = UUID("00000000-0000-4000-8000-000000000001")
_place = conninfo_to_dict(os.environ["DATABASE_URL"])


def stored_is_enough(trigger: object, api_key: str) -> None:
    """Where dj-stripe's documentation hands an event to a queue, instead of syncing its object."""


settings.configure(
    SECRET_KEY="only for a measurement",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _place["dbname"],
            "USER": _place.get("user", ""),
            "PASSWORD": _place.get("password", ""),
            "HOST": _place.get("host", ""),
            "PORT": _place.get("port", ""),
            "CONN_MAX_AGE": None if os.environ.get("KEEP_CONNECTIONS") else 0,  # 0 is Django's own default
        }
    },
    STRIPE_TEST_SECRET_KEY="sk_test_bench",
    STRIPE_LIVE_MODE=False,
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=stored_is_enough,
)
app = get_wsgi_application()
urlpatterns = [path("stripe/", include("djstripe.urls", namespace="djstripe"))]


def prepare() -> None:
    from djstripe.models import WebhookEndpoint

    call_command("migrate", verbosity=0)
    WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        enabled_events=["*"],
        secret=os.environ["STRIPE_WEBHOOK_SECRET"],
        status="enabled",
        url="http://127.0.0.1/",
        djstripe_uuid=ENDPOINT,
    )


if __name__ == "__main__":
    prepare()
