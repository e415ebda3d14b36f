"""Takes pictures of the admin with a headless Chromium: ``python -m tests.browser.pictures FOLDER``.

For people to look at; nothing is asserted. Pages are rendered by the test client and opened as files, so that no server
and no login are needed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.test.utils import get_runner, setup_test_environment

BROWSER = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
)
THEME_SCRIPT = '<script src="{static}admin/js/theme.js"></script>'


def main(folder: Path) -> None:
    """Write a light and a dark picture of every page to ``folder``."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    setup_test_environment()
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            static = _static_files(Path(scratch))
            for name, html in _pages():
                for theme in ("light", "dark"):
                    page = Path(scratch) / f"{name}-{theme}.html"
                    page.write_text(_standalone(html, static, theme))
                    _photograph(page, folder / f"{name}-{theme}.png", Path(scratch))
    finally:
        runner.teardown_databases(databases)


def _pages() -> Iterator[tuple[str, str]]:
    from tests.browser import scenery  # noqa: PLC0415 - models exist only after django.setup()

    call, batch = scenery.question_about_a_call(), scenery.batch()
    run, task = scenery.night()
    client = Client()
    client.force_login(scenery.operator())
    addresses = {
        "index": "/admin/",
        "runs": "/admin/runs/run/",
        "run": f"/admin/runs/run/{run.pk}/change/",
        "tasks": "/admin/humantasks/humantask/",
        "task": f"/admin/humantasks/humantask/{task.pk}/change/",
        "call": f"/admin/humantasks/humantask/{call.pk}/change/",
        "batch": f"/admin/runs/run/{batch.pk}/change/",
        "checkpoints": f"/admin/runs/checkpoint/?run={run.pk}",
        "workers": "/admin/runs/leaseowner/",
        "snapshot": f"/admin/specs/specsnapshot/{run.snapshot_id}/change/",
        "audit": "/admin/audit/auditevent/",
        "keys": "/admin/apikeys/apikey/",
        "new-key": "/admin/apikeys/apikey/add/",
    }
    order = {"name": "studio", "roles": ["operator"], "scopes": ["human:write"]}
    yield "key", client.post(addresses["new-key"], order).content.decode()
    yield "no-key", client.post(addresses["new-key"], {"name": ""}).content.decode()
    for name, address in addresses.items():
        yield name, client.get(address).content.decode()
    actions = {
        "cancel": ("runs/run", "cancel_selected", run),
        "reject": ("humantasks/humantask", "reject_selected", task),
        "fill-in": ("humantasks/humantask", "approve_selected", scenery.question_with_a_form()),
    }
    for name, (model, action, row) in actions.items():
        answer = client.post(f"/admin/{model}/", {"action": action, "_selected_action": [str(row.pk)]})
        yield name, answer.content.decode()


def _static_files(scratch: Path) -> str:
    settings.STATIC_ROOT = scratch / "static"
    call_command("collectstatic", interactive=False, verbosity=0)
    return f"{settings.STATIC_ROOT.as_uri()}/"


def _standalone(html: str, static: str, theme: str) -> str:
    html = html.replace("/static/", static).replace(THEME_SCRIPT.format(static=static), "")
    return html.replace("<html ", f'<html data-theme="{theme}" ', 1)


def _photograph(page: Path, picture: Path, scratch: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSER)), None)
    if browser is None:
        sys.exit("No Chromium found: install chromium.")
    profile = tempfile.mkdtemp(dir=scratch)
    target = [f"--user-data-dir={profile}", "--window-size=1440,1300", f"--screenshot={picture}", page.as_uri()]
    subprocess.run([browser, *FLAGS, *target], check=True, capture_output=True, timeout=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
