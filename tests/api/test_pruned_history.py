"""A run whose history was pruned: every view answers with what is left."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from runs.models import Run
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.integration.pruning import count, keep, prune


@pytest.fixture
def run_id(api: Api, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A completed run without its history."""
    monkeypatch.chdir(tmp_path)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()
    run_id = str(api.run(workflow("a", "b"))["run_id"])
    Run.objects.update(completed_at=timezone.now() - timedelta(days=40))
    count()
    keep(checkpoints=30)
    assert prune() == {"checkpoints": 1}
    return run_id


def test_the_run_has_its_output_and_says_when_its_history_went(api: Api, run_id: str) -> None:
    run = api.get(f"/runs/{run_id}")
    assert (run["status"], run["output_text"], run["trace_event_count"]) == ("completed", "hi>a>b", 0)
    assert run["metadata"]["history_pruned_at"].startswith(str(timezone.now().year))


@pytest.mark.parametrize("view", ["recovery", "replay", "graph", "policy-report", "checkpoints", "trace", "branches"])
def test_every_view_answers(api: Api, run_id: str, view: str) -> None:
    api.get(f"/runs/{run_id}/{view}")


def test_the_ends_of_the_history_are_there_and_the_trace_is_not_complete(api: Api, run_id: str) -> None:
    left = api.get(f"/runs/{run_id}/checkpoints")["checkpoints"]
    assert [each["type"] for each in left] == ["run_started", "run_completed"]
    trace = api.get(f"/runs/{run_id}/trace")
    assert (trace["events"], trace["complete"], trace["dropped"] > 0) == ([], False, True)


def test_a_difference_to_what_went_is_refused_with_a_sentence(api: Api, run_id: str) -> None:
    refusal = api.get(f"/runs/{run_id}/checkpoints/diff", 400)
    assert "has no checkpoint 3" in str(refusal)
    api.get(f"/runs/{run_id}/checkpoints/diff", from_sequence=1, to_sequence=4)


def test_it_can_be_begun_again_and_not_from_what_went(api: Api, run_id: str) -> None:
    refusal = api.post(f"/runs/{run_id}/fork", {"checkpoint": 2}, 409)
    assert "history of this run was pruned" in str(refusal)
    assert api.post(f"/runs/{run_id}/fork", {"checkpoint": 1})["run_id"] != run_id


def test_a_failed_one_does_not_say_that_it_can_be_continued(api: Api, run_id: str) -> None:
    Run.objects.update(status="failed")
    assert not api.get(f"/runs/{run_id}/recovery")["replay_context"]["can_continue"]
    assert "history of this run was pruned" in str(api.post(f"/runs/{run_id}/continue", None, 409))


def test_what_a_fork_came_from_may_be_gone(api: Api, run_id: str) -> None:
    fork = api.post(f"/runs/{run_id}/fork", {"checkpoint": 1})["run_id"]
    Run.objects.filter(pk=run_id).delete()
    shown = api.get(f"/runs/{fork}")
    assert shown["metadata"]["forked_from"] == {"run_id": None, "checkpoint": 1}
    [listed] = api.get("/runs")["runs"]
    assert listed["parent_run_id"] is None
