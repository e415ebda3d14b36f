"""What the report says about a figure."""

import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tests.benchmarks.figures import Figure, at_least, at_most
from tests.benchmarks.machine import Machine
from tests.benchmarks.report import as_json, print_table

MACHINE = Machine(
    measured_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), cores=2, python="3.12.1", postgres="15.2", load=0.4
)
SLOW = Figure.of("POST /v1/runs, completed", "runs/s", [1090.0, 1120.0, 1100.0], target=at_least(1101))
LEAN = Figure.of("commits", "", [5.0], target=at_most(5), note="counted")


def test_a_figure_is_the_median_between_its_extremes() -> None:
    assert (SLOW.low, SLOW.value, SLOW.high) == (1090, 1100, 1120)


def test_a_figure_is_held_against_its_target_by_its_median() -> None:
    assert SLOW.is_met is False
    assert LEAN.is_met is True
    assert Figure.of("memory", "MiB", [1.0]).is_met is None


def test_a_table_fits_a_narrow_terminal_and_marks_what_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([SLOW, LEAN], MACHINE, Console(width=80))
    lines = capsys.readouterr().out.splitlines()
    [speed] = [line for line in lines if "runs/s" in line]
    values = ["1,100", "1,090", "1,120", "runs/s", "≥", "1101", "MISSED"]
    assert speed.split() == ["POST", "/v1/runs,", "completed", *values]
    assert "commits: counted." in lines


def test_json_says_the_same() -> None:
    speed, commits = json.loads(as_json([SLOW, LEAN], MACHINE))["figures"]
    assert (speed["value"], speed["is_met"]) == (1100, False)
    assert commits["target"] == {"sense": "at most", "limit": 5}


@pytest.mark.parametrize(("load", "is_busy"), [(1.0, False), (1.1, True)])
def test_a_machine_is_busy_above_half_its_cores(load: float, is_busy: bool) -> None:
    machine = Machine(measured_at=MACHINE.measured_at, cores=2, python="", postgres="", load=load)
    assert machine.is_busy is is_busy
