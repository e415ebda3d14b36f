"""People at the admin with a real, headless Chromium: the server runs in this process, on the test's own database."""

import os
import re
import shutil
import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from runs import heartbeat
from tests import services
from tests.acceptance.conditions import until

FLAGS = ["--no-sandbox", "--disable-gpu"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 15_000
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# Playwright's synchronous interface keeps an event loop in this thread, where Django would refuse to ask its database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def program() -> str | None:
    """Return where this machine's Chromium is; None where it has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser; the tests are skipped by name where none is installed, and fail in CI."""
    executable = program()
    if executable is None:
        reason = "ring browser: no Chromium found (install the package chromium)"
        pytest.fail(reason, pytrace=False) if services.IN_CI else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


class Desk:
    """Where people sit: each gets a browser window that is logged in as them."""

    def __init__(self, chromium: Browser, server: LiveServer) -> None:
        self.url = server.url
        self.foreign: list[str] = []
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []

    def window(self, user: User | None = None, **options: object) -> Page:
        """Open a window for ``user``, or for somebody who has not logged in; ``options`` are those of a context."""
        size = {"viewport": DESKTOP}
        context = self._chromium.new_context(base_url=self.url, **(size | options))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        context.route(re.compile(rf"^(?!{re.escape(self.url)}|data:|blob:)"), self._refuse)
        self._contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.url}])
        return context.new_page()

    def close(self) -> None:
        """Close every window."""
        for context in self._contexts:
            context.close()

    def _refuse(self, route: object) -> None:
        self.foreign.append(route.request.url)  # type: ignore[attr-defined]
        route.abort()  # type: ignore[attr-defined]


def _nobody_listens() -> bool:
    """Whether nobody reads the database for pages that are live."""
    return all(thread.name != "events" for thread in threading.enumerate())


@pytest.fixture
def desk(chromium: Browser, live_server: LiveServer, transactional_db: None, settings: Settings) -> Iterator[Desk]:
    """Windows onto the admin of this test's database. No page may ask another host for anything."""
    settings.EVENTS_HEARTBEAT_SECONDS = 0.2  # so that the server notices at once that a live page was closed
    desk = Desk(chromium, live_server)
    yield desk
    desk.close()
    heartbeat.retire()  # of runs that the test drove
    until(_nobody_listens, within=10, what="the server noticed that the pages are closed")
    assert not desk.foreign, f"pages asked other hosts: {desk.foreign}"
