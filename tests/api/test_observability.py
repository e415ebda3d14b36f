"""The dashboard and the alerts ask for what /metrics of a service with a history tells."""

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from runs import statistics
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.observability import ALERTS, DASHBOARD, FOLDER, Query, queries

ROOT = Path(__file__).parents[2]
HANDBOOK = (ROOT / "docs/telemetry.md").read_text()
QUERIES = list(queries())
# Of the scrape itself, which Prometheus adds.
OF_PROMETHEUS = {"up": set[str]()}
OF_TARGET = {"job", "instance"}


@pytest.fixture
def told(api: Api) -> dict[str, set[str]]:
    """Return what /metrics tells after some runs: the names of samples, and the labels of each."""
    api.run(workflow("a"))
    api.post("/runs", {"input": "hi", "spec": workflow("boom"), "async_mode": True}, 202)
    paused = api.run(workflow("a", "human"))
    task = api.get(f"/human-tasks/{paused['continuation_id']}")
    answer = {"request_id": task["request"]["id"], "decision": "approved"}
    api.post(f"/human-tasks/{paused['continuation_id']}/resume", answer)
    while statistics.settle(settled_after=timedelta(0)):
        pass
    families = text_string_to_metric_families(Client().get("/metrics").content.decode())
    samples = [sample for family in families for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples} | OF_PROMETHEUS


def test_every_query_asks_for_metrics_and_labels_that_there_are(told: dict[str, set[str]]) -> None:
    unknown = {query.place: query.metrics - told.keys() for query in QUERIES if query.metrics - told.keys()}
    assert unknown == {}
    strange = {
        query.place: left
        for query in QUERIES
        if (left := query.labels - OF_TARGET - {label for name in query.metrics for label in told[name]})
    }
    assert strange == {}
    assert all(query.metrics for query in QUERIES)


def test_every_metric_is_on_the_dashboard(told: dict[str, set[str]]) -> None:
    shown = {name for query in QUERIES if query.place.startswith("panel") for name in query.metrics}
    families = {name for name in told if not name.endswith(("_bucket", "_sum", "_count", "_created"))} - {"up"}
    assert families - shown == {"kneo_tokens_total"}  # its two parts are
    assert {name for name in told if name.endswith("_bucket")} <= shown


def test_a_query_is_read_as_prometheus_reads_it() -> None:
    query = Query(
        place="here",
        text='histogram_quantile(0.9, max by (le, job) (rate(a_bucket{job="x", b!~"y(z)"}[5m]))) and on (c) d == 0',
    )
    assert query.metrics == {"a_bucket", "d"}
    assert query.labels == {"le", "job", "b", "c"}


def test_panels_do_not_lie_upon_each_other() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert [number for number, times in Counter(panel["id"] for panel in panels).items() if times > 1] == []
    cells = Counter(
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    )
    assert max(cells.values()) == 1
    assert max(x for x, _ in cells) < 24


def test_every_alert_is_in_the_handbook_and_has_a_test() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    tests = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text())
    names = [rule["alert"] for rule in rules]
    assert [name for name in names if f"`{name}`" not in HANDBOOK] == []
    for case in tests["tests"]:
        assert {each["alertname"] for each in case["alert_rule_test"]} == set(names), case["name"]
    assert {rule["labels"]["severity"] for rule in rules} == {"page", "ticket"}


def test_every_metric_is_in_the_handbook(told: dict[str, set[str]]) -> None:
    rows = set(re.findall(r"^\| `(kneo_\w+)`", HANDBOOK, re.MULTILINE))
    parts = ("_bucket", "_sum", "_count")
    histograms = {name.removesuffix("_bucket") for name in told if name.endswith("_bucket")}
    assert rows == {name for name in told if not name.endswith(parts)} - {"up"} | histograms | {"kneo_worker_count"}


def test_what_compose_mounts_is_there() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    mounts = [each.split(":")[0] for service in services.values() for each in service.get("volumes", ())]
    files = [ROOT / mount for mount in mounts if mount.startswith("./")]
    assert [file for file in files if not file.is_file()] == []
    assert {file for file in files if FOLDER in file.parents} == {
        file for file in FOLDER.rglob("*") if file.is_file() and file.name != "alerts_test.yaml"
    }
