"""Takes pictures of the admin with a headless Chromium: ``python -m tests.browser.pictures FOLDER [NAME …]``.

For people to look at; nothing is asserted. Without names every page is taken as a whole; with names those pages, as
much of them as a screen shows (``make screenshots``).
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import django
from django.conf import settings
from django.test.utils import get_runner, setup_test_environment
from playwright.sync_api import Page

CHECK = "Check"
BROKEN = Path("specs/examples/expense_approval.yaml").read_text().replace("kind: human", "kind: humon")
MODES = {"light-desktop": "DESKTOP", "dark-desktop": "DESKTOP", "light-phone": "PHONE", "dark-phone": "PHONE"}


def main(folder: Path, names: Sequence[str]) -> None:
    """Write pictures of the pages to ``folder``: light and dark, of a desktop and of a phone."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    setup_test_environment()
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        _take(folder, names)
    finally:
        runner.teardown_databases(databases)


def _take(folder: Path, names: Sequence[str]) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - models exist only after django.setup()
    from pytest_django.live_server_helper import LiveServer  # noqa: PLC0415

    from tests.browser import conftest, scenery  # noqa: PLC0415

    pages = {name: page for name, page in _pages() if not names or name in names}
    user = scenery.operator()
    server = LiveServer("127.0.0.1:0")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=conftest.program(), args=conftest.FLAGS)
        desk = conftest.Desk(chromium, server)
        for mode, size in MODES.items():
            scheme = mode.partition("-")[0]
            window = desk.window(user, color_scheme=scheme, viewport=getattr(conftest, size))
            for name, (address, button) in pages.items():
                _open(window, address, button)
                window.screenshot(path=folder / f"{name}-{mode}.png", full_page=not names)
        desk.close()
        chromium.close()
    server.stop()


def _open(window: Page, address: str, button: str) -> None:
    window.goto(address)
    if button == CHECK:
        window.locator("#id_text").fill(BROKEN)
    if button:
        window.get_by_role("button", name=button, exact=button == CHECK).click()
    window.wait_for_load_state("load")  # not until the network is idle: live pages keep listening
    window.wait_for_function("!document.querySelector('.kneo-graph:not([data-state]), canvas:not([data-drawn])')")
    if button == CHECK:
        window.locator(".kneo-under-line").first.scroll_into_view_if_needed()


def _pages() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the name of each picture, the address of its page, and the button to press there."""
    from tests.browser import scenery  # noqa: PLC0415

    long, failed = scenery.long_run(), scenery.failed_run()
    call, batch, form = scenery.question_about_a_call(), scenery.batch(), scenery.question_with_a_form()
    run, task = scenery.night()
    asked = scenery.inbox()
    scenery.lately()
    tasks, runs = "/admin/humantasks/humantask/", "/admin/runs/run/"
    yield "index", ("/admin/", "")
    yield "runs", (runs, "")
    yield "run", (f"{runs}{run.pk}/change/", "")
    yield "batch", (f"{runs}{batch.pk}/change/", "")
    yield "run-failed", (f"{runs}{failed.pk}/change/", "")
    yield "run-large", (f"{runs}{long.pk}/change/", "")
    yield "run-steps", (f"{runs}{long.pk}/change/?tab=steps", "")
    yield "run-changes", (f"{runs}{failed.pk}/change/?tab=changes", "")
    yield "run-spec", (f"{runs}{run.pk}/change/?tab=spec", "")
    yield "run-step", (f"{runs}{failed.pk}/step/?place=post", "")
    yield "cancel", (f"{runs}{run.pk}/change/", "Cancel this run")
    yield "inbox", (tasks, "")
    yield "task", (f"{tasks}{task.pk}/change/", "")
    for name, each in asked.items():
        yield f"task-{name}", (f"{tasks}{each.pk}/change/", "")
    yield "call", (f"{tasks}{call.pk}/change/", "")
    yield "reject", (f"{tasks}{task.pk}/change/", "Reject")
    yield "fill-in", (f"{tasks}{form.pk}/change/", "Approve")
    yield "checkpoints", (f"/admin/runs/checkpoint/?run={run.pk}", "")
    yield "workers", ("/admin/runs/leaseowner/", "")
    yield "snapshot", (f"/admin/specs/specsnapshot/{run.snapshot_id}/change/", "")
    yield "spec", ("/admin/runs/schedule/new/", CHECK)
    yield "schedules", ("/admin/runs/schedule/", "")
    yield "audit", ("/admin/audit/auditevent/", "")
    yield "keys", ("/admin/apikeys/apikey/", "")
    yield "new-key", ("/admin/apikeys/apikey/add/", "")
    yield "users", ("/admin/auth/user/", "")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
