"""What browsers are told to refuse, on every kind of page, and what cookies are for TLS alone."""

import os
import subprocess
import sys

import pytest
from django.test import Client
from pytest_django import Settings

from tests.browser import scenery
from tests.factories import RunFactory

pytestmark = pytest.mark.django_db
POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
OF_ADMIN = {"script-src": "'self' 'unsafe-eval'", "style-src-attr": "'unsafe-inline'"}
PRODUCTION = {
    "KNEO_SERV_BROKER_URL": "amqps://kneo:a-long-password@broker/",
    "KNEO_SERV_BEHIND_TLS_PROXY": "true",
    "KNEO_SERV_SECRET_KEY": "6f1c0d8e2b7a4f9d93c5e8a7b1d2c3f4a5968778695a4b3c2d1e0f",
    "KNEO_SERV_ALLOWED_HOSTS": "kneo.example.com",
    "KNEO_SERV_CSRF_TRUSTED_ORIGINS": "https://kneo.example.com",
    "KNEO_SERV_API_KEYS": "op:a-key-that-nobody-guesses-5f1a:operator",
}


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(scenery.operator())
    return client


def policy(browser: Client, path: str) -> dict[str, str]:
    """Return the policy of a page by directive."""
    told = browser.get(path).headers["Content-Security-Policy"]
    return {name: value for name, _, value in (part.strip().partition(" ") for part in told.split(";"))}


@pytest.mark.parametrize("path", ["/v1/runs", "/healthz", "/docs", "/nowhere", "/admin/nowhere"])
def test_pages_and_answers_run_nothing_but_our_files(browser: Client, path: str) -> None:
    told = policy(browser, path)
    assert told | OF_ADMIN == POLICY | OF_ADMIN
    assert "unsafe" not in str(told) or path.startswith("/admin/")


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/runs/run/", "/admin/auth/user/"])
def test_the_admin_may_compile_what_its_attributes_say(browser: Client, path: str) -> None:
    assert policy(browser, path) == POLICY | OF_ADMIN


def test_redoc_may_write_the_styles_that_are_known(browser: Client) -> None:
    told = policy(browser, "/redoc")
    assert "unsafe" not in str(told)
    assert (told["default-src"], told["style-src"].count("sha256-")) == ("'self'", 2)


def test_no_page_can_be_framed_and_no_address_is_told_to_others(browser: Client) -> None:
    run = RunFactory.create()
    for path in ("/admin/", "/admin/runs/run/", f"/admin/runs/run/{run.pk}/change/", "/docs", "/v1/runs"):
        headers = browser.get(path).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_behind_a_proxy_that_ends_tls_browsers_come_by_tls_only(settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    by_tls = Client(headers={"X-Forwarded-Proto": "https"})
    page = by_tls.get("/admin/login/")
    assert page.headers["Strict-Transport-Security"] == "max-age=3600"
    assert "Strict-Transport-Security" not in Client().get("/admin/login/").headers
    scenery.operator()
    by_tls.post("/admin/login/", {"username": "olivia", "password": "correct horse battery"})
    assert {name: (bool(each["secure"]), each["samesite"]) for name, each in by_tls.cookies.items()} == {
        "csrftoken": (True, "Lax"),
        "sessionid": (True, "Lax"),
    }


def test_the_settings_of_production_leave_nothing_to_complain_of() -> None:
    environment = {**os.environ, **PRODUCTION, "DJANGO_SETTINGS_MODULE": "kneo_project.settings"}
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # what browser tests need
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
