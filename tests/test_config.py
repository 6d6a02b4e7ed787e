"""A configuration is checked as a whole, and tells everything that is wrong with it at once."""

from datetime import timedelta

import pytest

from config import STRIPE_API, Misconfigured, Settings

GOOD = {
    "SECRET_KEY": "a secret of forty characters for testing",
    "DATABASE_URL": "postgresql://mentorhold:password@db/mentorhold",
    "STRIPE_SECRET_KEY": "sk_test_platform",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_platform",
    "STRIPE_WEBHOOK_SECRET": "whsec_test",
}
LIVE = {"STRIPE_SECRET_KEY": "sk_live_platform", "STRIPE_PUBLISHABLE_KEY": "pk_live_platform"}
MAIL = {
    "MAIL_URL": "smtp://user:password@mail.example.com?starttls",
    "MAIL_FROM": "Mentorhold <mail@example.com>",
    "PUBLIC_URL": "https://mentorhold.example.com/",
}
SIMULATOR = "http://127.0.0.1:12111"


def problems(**changes: str) -> list[str]:
    """What is said of a good configuration with some ``changes``, after which it must not stand."""
    with pytest.raises(Misconfigured) as refusal:
        Settings.from_environ({**GOOD, **changes})
    assert all(problem in str(refusal.value) for problem in refusal.value.problems)
    return refusal.value.problems


def test_a_good_configuration_stands():
    settings = Settings.from_environ(GOOD)
    assert settings.stripe_api == STRIPE_API
    assert (settings.simulated, settings.livemode, settings.demo, settings.https) == (False, False, False, True)


def test_a_mail_server_is_named_by_one_url():
    settings = Settings.from_environ({**GOOD, **MAIL})
    assert settings.mail_server is not None
    assert (settings.mail_server.host, settings.mail_server.port) == ("mail.example.com", 587)
    assert settings.public_url == "https://mentorhold.example.com"
    assert Settings.from_environ(GOOD).mail_server is None


def test_everything_that_is_missing_is_listed_at_once():
    with pytest.raises(Misconfigured) as refusal:
        Settings.from_environ({})
    assert sorted(refusal.value.problems) == sorted(f"{name} is missing." for name in GOOD)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_setting_is_a_missing_one(name: str, value: str):
    assert problems(**{name: value}) == [f"{name} is missing."]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"SECRET_KEY": "x" * 31}, "SECRET_KEY must have at least 32"),
        ({"DATABASE_URL": "mysql://root@db/x"}, "DATABASE_URL must start with"),
        ({"DATABASE_URL": "/var/lib/mentorhold.db"}, "DATABASE_URL must start with"),
        ({"STRIPE_SECRET_KEY": "pk_test_platform"}, "STRIPE_SECRET_KEY must start with"),
        ({"STRIPE_PUBLISHABLE_KEY": "sk_test_platform"}, "STRIPE_PUBLISHABLE_KEY must start with"),
        ({"STRIPE_SECRET_KEY": "sk_live_platform"}, "are mixed"),
        ({"STRIPE_SECRET_KEY": "rk_live_platform"}, "are mixed"),
        ({"STRIPE_PUBLISHABLE_KEY": "pk_live_platform"}, "are mixed"),
        ({"STRIPE_WEBHOOK_SECRET": "secret"}, "STRIPE_WEBHOOK_SECRET must start with whsec_"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_one,two"}, "STRIPE_WEBHOOK_SECRET must start with whsec_"),
        ({**LIVE, "STRIPE_API_BASE": SIMULATOR}, "can never be used with a live key"),
        ({**LIVE, "HTTPS": "no"}, "HTTPS=no cannot be used with live keys"),
        ({"STRIPE_API_BASE": "https://stripe.example.com"}, "must be a simulator on this machine"),
        ({"STRIPE_API_BASE": "http://127.0.0.1@example.com"}, "must be a simulator on this machine"),
        ({"STRIPE_API_BASE": "http://localhost.example.com"}, "must be a simulator on this machine"),
        ({"STRIPE_API_BASE": "127.0.0.1:12111"}, "must be a simulator on this machine"),
        ({"ENVIRONMENT": "two words"}, "ENVIRONMENT must be 1 to 40 letters"),
        ({"ENVIRONMENT": "a:b"}, "ENVIRONMENT must be 1 to 40 letters"),
        ({"ENVIRONMENT": "x" * 41}, "ENVIRONMENT must be 1 to 40 letters"),
        ({"DEMO": "yes"}, "DEMO=yes needs the simulator"),
        ({"DEMO": "maybe"}, "DEMO must be yes or no"),
        ({"HTTPS": "1"}, "HTTPS must be yes or no"),
        ({"COMPLETION_GRACE_HOURS": "two"}, "COMPLETION_GRACE_HOURS must be a whole number"),
        ({"HOLD_SAFETY_MARGIN_HOURS": "1.5"}, "HOLD_SAFETY_MARGIN_HOURS must be a whole number"),
        ({"CHECKOUT_MINUTES": "-15"}, "CHECKOUT_MINUTES must be a whole number"),
        ({"CHECKOUT_MINUTES": "１５"}, "CHECKOUT_MINUTES must be a whole number"),
        ({"BOOKING_NOTICE_MINUTES": "1e2"}, "BOOKING_NOTICE_MINUTES must be a whole number"),
        ({"TRUSTED_PROXIES": "all"}, "TRUSTED_PROXIES must be a whole number"),
        ({"WORKER_CONNECTIONS": "0"}, "WORKER_CONNECTIONS must be at least 1"),
        ({**MAIL, "MAIL_URL": "mail.example.com"}, "MAIL_URL must look like smtp://"),
        ({**MAIL, "MAIL_URL": "smtp://u:p@mail.example.com"}, "in the clear"),
        ({**MAIL, "MAIL_FROM": "Mentorhold"}, "MAIL_FROM must look like"),
        ({**MAIL, "MAIL_FROM": ""}, "MAIL_FROM is missing"),
        ({**MAIL, "PUBLIC_URL": ""}, "PUBLIC_URL is missing"),
        ({**MAIL, "PUBLIC_URL": "mentorhold.example.com"}, "PUBLIC_URL must look like"),
        ({**MAIL, "PUBLIC_URL": "https://mentorhold.example.com/app"}, "PUBLIC_URL must look like"),
        ({**MAIL, "PUBLIC_URL": "http://mentorhold.example.com"}, "must begin with https://"),
        ({"COMMISSION_BPS": "10 %"}, "COMMISSION_BPS must be a whole number"),
        ({"COMMISSION_BPS": "10001"}, "commission must be between"),
        ({"COMPLETION_GRACE_HOURS": "0"}, "longer than nothing"),
        ({"COMPLETION_GRACE_HOURS": "168"}, "the shortest hold lives 114 h"),
        ({"AUTHORIZATION_RETRY_HOURS": "36,soon"}, "AUTHORIZATION_RETRY_HOURS must be a whole number"),
        ({"AUTHORIZATION_RETRY_HOURS": "24,36"}, "in that order"),
        ({"BOOKING_HORIZON_DAYS": "0"}, "nothing could be booked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_work_is_said_in_one_sentence(changes: dict[str, str], word: str):
    said = problems(**changes)
    assert len(said) == 1, said
    assert word in said[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPLETION_GRACE_HOURS", "9" * 20),
        ("STRIPE_API_BASE", "http://["),
        ("STRIPE_API_BASE", "http://127.0.0.1:port"),
    ],
    ids=["centuries", "half an address", "a port that is a word"],
)
def test_nonsense_is_said_to_be_nonsense_and_breaks_nothing(name: str, value: str):
    assert problems(**{name: value})


def test_all_that_is_wrong_is_said_together():
    said = problems(
        SECRET_KEY="short",
        DATABASE_URL="mysql://db",
        STRIPE_SECRET_KEY="sk_live_platform",
        STRIPE_WEBHOOK_SECRET="",
        DEMO="yes",
        COMMISSION_BPS="ten",
        CHECKOUT_MINUTES="0",
    )
    assert len(said) == 7


def test_no_secret_is_repeated_in_what_is_said():
    with pytest.raises(Misconfigured) as refusal:
        Settings.from_environ(
            {
                "SECRET_KEY": "telltale-one",
                "DATABASE_URL": "mysql://root:telltale-two@db/x",
                "STRIPE_SECRET_KEY": "telltale-three",
                "STRIPE_PUBLISHABLE_KEY": "sk_live_telltale-four",
                "STRIPE_WEBHOOK_SECRET": "telltale-five",
                "STRIPE_API_BASE": "http://user:telltale-six@example.com",
            }
        )
    assert len(refusal.value.problems) >= 6
    assert "telltale" not in str(refusal.value)
    assert "telltale" not in repr(refusal.value)


def test_a_setting_with_white_space_around_is_read_without():
    settings = Settings.from_environ(
        {**GOOD, "STRIPE_SECRET_KEY": " sk_test_platform\n", "ALLOWED_HOSTS": " a.example, b.example ,"}
    )
    assert settings.stripe_secret_key == "sk_test_platform"
    assert settings.allowed_hosts == ("a.example", "b.example")


def test_two_webhook_secrets_overlap_while_they_are_changed():
    settings = Settings.from_environ({**GOOD, "STRIPE_WEBHOOK_SECRET": "whsec_old, whsec_new"})
    assert settings.stripe_webhook_secrets == ("whsec_old", "whsec_new")


def test_live_keys_of_both_kinds_stand_together():
    assert Settings.from_environ({**GOOD, **LIVE}).livemode
    assert Settings.from_environ({**GOOD, **LIVE, "STRIPE_SECRET_KEY": "rk_live_platform"}).livemode


def test_a_demo_has_a_simulator_on_this_machine():
    for host in ("127.0.0.1", "localhost", "[::1]"):
        settings = Settings.from_environ(
            {**GOOD, "STRIPE_API_BASE": f"http://{host}:12111/", "DEMO": "yes", "HTTPS": "no"}
        )
        assert settings.demo
        assert settings.stripe_js == f"http://{host}:12111/stripe.js"


def test_numbers_become_promises():
    chosen = Settings.from_environ(
        {**GOOD, "COMPLETION_GRACE_HOURS": "24", "HOLD_SAFETY_MARGIN_HOURS": "3", "CHECKOUT_MINUTES": "30"}
        | {"BOOKING_NOTICE_MINUTES": "120", "COMMISSION_BPS": "1500", "TRUSTED_PROXIES": "1"}
    )
    assert chosen.policy.completion_grace == timedelta(hours=24)
    assert chosen.policy.safety_margin == timedelta(hours=3)
    assert chosen.policy.checkout == timedelta(minutes=30)
    assert chosen.policy.notice == timedelta(hours=2)
    assert chosen.policy.commission_bps == 1_500
    assert chosen.proxies == 1


def test_there_is_a_database_connection_for_each_row_that_is_worked_on_at_once():
    chosen = Settings.from_environ({**GOOD, "WORKER_CONNECTIONS": "12"})
    assert chosen.worker_connections == 12
    assert chosen.worker_threads == 18
    assert chosen.flask["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"] == 18


@pytest.mark.parametrize("https", ["yes", "no"])
def test_cookies_are_for_our_eyes_only(https: str):
    told = Settings.from_environ({**GOOD, "HTTPS": https}).flask
    assert told["SESSION_COOKIE_HTTPONLY"] is True
    assert told["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert told["SESSION_COOKIE_SECURE"] is told["REMEMBER_COOKIE_SECURE"] is (https == "yes")
    assert "WTF_CSRF_ENABLED" not in told, "nothing turns the check of forms off"


def test_what_the_database_url_says_itself_stands():
    url = "postgresql://db/mentorhold?connect_timeout=60&options=-csearch_path%3Dours"
    told = Settings.from_environ({**GOOD, "DATABASE_URL": url}).flask["SQLALCHEMY_ENGINE_OPTIONS"]
    assert isinstance(told, dict)
    assert {"connect_timeout", "options"} & set(told["connect_args"]) == set()
    assert "keepalives_idle" in told["connect_args"]
    silent = Settings.from_environ({**GOOD, "DATABASE_URL": "postgresql://db/mentorhold"})
    assert "lock_timeout" in str(silent.flask["SQLALCHEMY_ENGINE_OPTIONS"])
