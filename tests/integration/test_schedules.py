"""Schedules: each due moment starts one run, whoever looks at the clock and however late."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from kneo_project.audit.models import AuditEvent
from runs import tasks
from runs.errors import ScheduleNotFound
from runs.models import Run, Schedule, ScheduledRun
from runs.schedules import firing, keeping
from runs.schedules.timetable import timetable
from specs import policies
from specs.language.policy import EnvironmentPolicy
from specs.models import SpecSnapshot
from specs.services import SpecSource
from tests.integration.driving import advance, human, spec_of, step
from tests.integration.meeting import during, refusal_of
from tests.integration.pruning import keep, let_be_old, prune
from tests.settings import DATABASE

SPEC = spec_of(step("a"))
ASKING = spec_of(human(), humans={"boss": {}})


def make(name: str = "hourly", spec: dict[str, Any] = SPEC, source: SpecSource | None = None, **fields: Any) -> None:
    """Make a schedule that starts a run in every hour."""
    columns = {"cron": "0 * * * *", "input_text": "hi", **fields}
    keeping.create_schedule(name, source or SpecSource(spec=spec), columns, actor="alice")


def let_be_due(name: str = "hourly", hours: int = 0) -> None:
    """Let the moment have come: the last full hour, or one so many hours before it."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    Schedule.objects.filter(name=name).update(next_at=hour - timedelta(hours=hours))


def told(name: str = "hourly") -> tuple[str | None, str | None]:
    """Return what came of the last moment, and why."""
    row = Schedule.objects.get(name=name)
    return row.last_outcome, row.last_reason


def audited(word: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event_type=f"schedule.{word}"))


def test_a_run_is_started_when_it_is_due_and_not_before() -> None:
    make(caller_metadata={"team": "x"}, tags=["t"], timeout_seconds=60)
    assert firing.fire_due() == []
    let_be_due()
    (run_id,) = firing.fire_due()
    assert firing.fire_due() == []
    run, row = Run.objects.get(pk=run_id), Schedule.objects.get()
    assert (run.input_text, run.tags, run.timeout_seconds, run.ordered_by) == ("hi", ["t"], 60, "schedule:hourly")
    assert run.caller_metadata == {"schedule": "hourly", "due_at": row.last_due_at.isoformat(), "team": "x"}  # type: ignore[union-attr]
    assert (row.last_run, row.last_outcome, row.last_reason) == (run, "started", None)
    assert row.next_at == timetable(row.cron, row.time_zone).next_after(timezone.now())
    (event,) = AuditEvent.objects.filter(event_type="run.created")
    assert (event.actor, event.run_id) == ("schedule:hourly", run_id)


def test_the_sweep_of_the_beat_starts_the_run_and_rings_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[object] = []
    monkeypatch.setattr(tasks.advance_run, "apply_async", lambda arguments, **_: rung.append(*arguments))
    make()
    let_be_due()
    tasks.fire_schedules()
    assert rung == [str(Run.objects.get().pk)]


@pytest.mark.parametrize("beats", [8])
def test_of_many_beats_that_look_at_once_one_starts_the_run(beats: int) -> None:
    make()
    let_be_due()
    together = Barrier(beats)

    def beat() -> int:
        try:
            together.wait()
            return len(firing.fire_due())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(beats) as pool:
        started = [each.result() for each in [pool.submit(beat) for _ in range(beats)]]
    assert (sum(started), Run.objects.count(), ScheduledRun.objects.count()) == (1, 1, 1)
    assert told() == ("started", None)


def test_a_beat_that_saw_the_moment_before_another_took_it_does_nothing() -> None:
    make()
    let_be_due()
    seen = Schedule.objects.get()
    assert firing.fire_due()
    assert firing._fire(seen, timezone.now()) is None
    assert Run.objects.count() == 1


def test_a_clock_that_is_set_back_starts_no_second_run_for_a_moment() -> None:
    make(overlap="allow")
    let_be_due()
    firing.fire_due()
    let_be_due()
    assert firing.fire_due() == []
    assert (Run.objects.count(), told()) == (1, ("skipped", "There was a run for this moment already."))


def test_after_hours_without_a_beat_one_run_makes_up_for_all() -> None:
    make(overlap="allow")
    let_be_due(hours=300)
    assert len(firing.fire_due()) == 1
    assert firing.fire_due() == []
    row = Schedule.objects.get()
    assert row.last_due_at == timezone.now().replace(minute=0, second=0, microsecond=0)
    assert row.next_at is not None
    assert row.next_at > timezone.now()


def test_a_moment_that_is_noticed_too_late_is_missed() -> None:
    make(cron="0 0 1 1 *", misfire_grace_seconds=60)
    Schedule.objects.update(next_at=timezone.now() - timedelta(minutes=2))
    assert firing.fire_due() == []
    assert (Run.objects.exists(), told()[0], len(audited("missed"))) == (False, "missed", 1)
    Schedule.objects.update(next_at=timezone.now() - timedelta(seconds=50))
    assert len(firing.fire_due()) == 1


def test_skip_starts_no_run_while_another_is_under_way() -> None:
    make(spec=ASKING)
    (first,) = _fire_again()
    advance(Run.objects.get(pk=first))
    assert _fire_again(hours_before=0) == []
    assert told() == ("skipped", f"Run {first} had not ended.")
    assert len(audited("skipped")) == 1


def test_queue_lets_one_run_wait_for_the_end_of_the_other() -> None:
    make(overlap="queue")
    (first,) = _fire_again()
    let_be_due(hours=1)
    assert firing.fire_due() == []
    let_be_due()
    assert firing.fire_due() == []
    assert firing.fire_due() == []
    assert (told()[0], len(audited("waiting"))) == ("waiting", 1)
    advance(Run.objects.get(pk=first))
    (second,) = firing.fire_due()
    assert (second != first, Schedule.objects.get().waiting_since, firing.fire_due()) == (True, None, [])


def test_cancel_other_ends_the_run_before() -> None:
    make(spec=ASKING, overlap="cancel_other")
    (first,) = _fire_again()
    (second,) = _fire_again(hours_before=0)
    assert (Run.objects.get(pk=first).status, Run.objects.get(pk=second).status) == ("cancelled", "created")


def test_allow_lets_them_run_beside_each_other() -> None:
    make(spec=ASKING, overlap="allow")
    assert len(_fire_again() + _fire_again(hours_before=0)) == 2


def test_a_full_queue_lets_the_run_wait(settings: Settings) -> None:
    make(overlap="allow")
    (first,) = _fire_again()
    settings.MAX_QUEUE_DEPTH = 1
    assert _fire_again(hours_before=0) == []
    assert told()[0] == "waiting"
    assert firing.fire_due() == []
    advance(Run.objects.get(pk=first))
    assert len(firing.fire_due()) == 1


def test_a_spec_that_its_environment_refuses_by_now_starts_no_run_and_says_why() -> None:
    make(source=SpecSource(spec=SPEC, environment="prod"))
    policies.replace_policy("prod", EnvironmentPolicy(require_human_review=True), actor="op")
    let_be_due()
    assert firing.fire_due() == []
    outcome, reason = told()
    assert (outcome, bool(reason), Run.objects.exists()) == ("refused", True, False)
    assert audited("refused")[0].actor == "schedule:hourly"


def test_one_schedule_that_breaks_does_not_stop_the_others() -> None:
    make("bad")
    make("good")
    Schedule.objects.filter(name="bad").update(cron="nonsense", next_at=timezone.now())
    let_be_due("good")
    assert len(firing.fire_due()) == 1


def test_the_spec_is_frozen_and_so_are_its_skills(tmp_path: Path, settings: Settings) -> None:
    settings.SPEC_ROOT = tmp_path
    skill = tmp_path / "greeting" / "SKILL.md"
    skill.parent.mkdir()
    skill.write_text("---\nname: greeting\ndescription: How to greet.\n---\nSay hello.\n")
    spec = {**SPEC, "agent": {"name": "root", "skills": ["greet"]}, "skills": {"greet": {"source": str(skill.parent)}}}
    make(spec=spec)
    skill.unlink()
    digest = Schedule.objects.get().snapshot_id
    let_be_due()
    (run_id,) = firing.fire_due()
    assert Run.objects.get(pk=run_id).snapshot_id == digest


def test_a_spec_that_a_schedule_holds_is_not_pruned(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings.RETENTION_DAYS = settings.RETENTION_DAYS.copy()
    make()
    (run_id,) = _fire_again()
    advance(run := Run.objects.get(pk=run_id))
    let_be_old(run)
    SpecSnapshot.objects.update(created_at=timezone.now() - timedelta(days=40))
    keep(runs=30, snapshots=30)
    assert prune() == {"runs": 1}
    assert Schedule.objects.get().last_run is None
    keeping.delete_schedule("hourly", actor="alice")
    assert prune() == {"snapshots": 1}


@pytest.mark.skipif(DATABASE != "postgres", reason="on SQLite one writes after another")
def test_a_schedule_that_is_being_ended_cannot_be_triggered_any_more() -> None:
    make()
    refused = during(
        lambda: keeping.delete_schedule("hourly", actor="alice"),
        lambda: refusal_of(lambda: firing.trigger("hourly", actor="bob")),
    )
    assert (type(refused), Run.objects.count()) == (ScheduleNotFound, 0)


def _fire_again(hours_before: int = 2) -> list[Any]:
    let_be_due(hours=hours_before)
    if hours_before:  # as if it had been noticed then
        row = Schedule.objects.get()
        assert row.next_at is not None
        run = firing._fire(row, row.next_at)
        return [run.pk] if run else []
    return list(firing.fire_due())
