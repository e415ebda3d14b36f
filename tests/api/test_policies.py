"""What environments demand of specs: stored, tried out, enforced."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings
from kneo_client import KneoClient
from kneo_client.core import Profile
from pytest_django.live_server_helper import LiveServer

from kneo_project.audit.models import AuditEvent
from runs.models import Run
from tests.api.conftest import Api
from tests.api.specs import workflow
from tests.integration.admin_site import operator

NOTHING = {
    "enabled": True,
    "fail_on_warnings": False,
    "blocked_diagnostic_codes": [],
    "require_human_review": False,
    "require_tool_permissions": False,
    "deny_unrestricted_tools": False,
    "require_guardrails": False,
}
REVIEW = {**NOTHING, "require_human_review": True}


def put(api: Api, environment: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """Replace the policy of ``environment``."""
    response = api.client.put(f"/v1/policies/environment/{environment}", body, "application/json")
    answer: dict[str, Any] = response.json()
    assert response.status_code == status, answer
    return answer


def test_a_policy_is_replaced_whole_and_tells_what_it_replaced(api: Api) -> None:
    assert put(api, "prod", REVIEW) == {"environment": "prod", "policy": REVIEW, "previous_policy": None}
    assert put(api, "prod", {}) == {"environment": "prod", "policy": NOTHING, "previous_policy": REVIEW}
    assert api.get("/policies/environment/prod")["policy"] == NOTHING
    assert api.get("/policies/environment") == {"policies": {"prod": NOTHING}, "count": 1}


def test_an_environment_without_demands_is_known_too(api: Api) -> None:
    unknown = {"environment": "moon", "policy": None, "previous_policy": None}
    assert api.get("/policies/environment/moon") == unknown
    (problem,) = api.get(f"/policies/environment/{'x' * 129}", 422)["detail"]
    assert (problem["type"], problem["loc"]) == ("string_too_long", ["path", "environment"])


def test_a_change_is_audited_with_what_it_changed(api: Api) -> None:
    put(api, "prod", REVIEW)
    put(api, "prod", {**REVIEW, "fail_on_warnings": True})
    facts = AuditEvent.objects.filter(event_type="policy.changed").latest("pk").metadata
    assert (facts["environment"], facts["changed_fields"]) == ("prod", ["fail_on_warnings"])
    assert facts["previous"] == REVIEW


def test_a_body_with_a_misspelt_demand_changes_nothing(api: Api) -> None:
    put(api, "prod", REVIEW)
    assert put(api, "prod", {"require_reviews": True}, 422)["detail"][0]["type"] == "extra_forbidden"
    assert api.get("/policies/environment/prod")["policy"] == REVIEW


def test_what_the_environment_does_not_accept_is_blocked_and_leaves_no_run(api: Api) -> None:
    put(api, "prod", REVIEW)
    body = {"spec": workflow("a"), "environment": "prod"}
    for path in ("/specs/compile", "/specs/explain", "/specs/graph"):
        refused = api.post(path, body, 403)["detail"]
        assert refused["error"] == "environment_policy_blocked"
        assert [each["code"] for each in refused["diagnostics"]] == ["E_ENV_POLICY_HUMAN_REVIEW"]
    api.post("/runs", {**body, "input": "hi"}, 403)
    assert not Run.objects.exists()
    assert api.post("/specs/validate", body)["valid"]


def test_other_environments_and_specs_that_comply_are_not_blocked(api: Api) -> None:
    put(api, "prod", REVIEW)
    assert api.run(workflow("a"), environment="Prod")["status"] == "completed"
    assert api.run(workflow("human"), environment="prod")["status"] == "blocked"
    put(api, "prod", {**REVIEW, "enabled": False})
    assert api.run(workflow("a"), environment="prod")["status"] == "completed"


def test_the_published_client_changes_policies(engine: None, live_server: LiveServer) -> None:
    async def scene() -> list[Any]:
        async with KneoClient(Profile(name="test", url=live_server.url, api_key="unused")) as client:
            policies = client.platform.policies
            return [
                await policies.environment_put("prod", REVIEW),
                await policies.environment_get("prod"),
                await policies.environment_preview("prod", {}),
                await policies.environment_list(),
            ]

    put, shown, preview, listed = asyncio.run(scene())
    assert put.to_dict()["policy"] == REVIEW
    assert shown.to_dict()["policy"] == REVIEW
    assert preview.runs_evaluated == 0
    assert listed.items["prod"].to_dict() == REVIEW


def test_a_preview_tells_which_runs_would_be_blocked_and_stores_nothing(api: Api) -> None:
    blocked = api.run(workflow("a"), environment="prod")["run_id"]
    api.run(workflow("human"), environment="prod")
    api.run(workflow("a"), environment="dev")
    preview = api.post("/policies/environment/prod/preview", REVIEW)
    assert preview["diff"]["require_human_review"] == {"from": None, "to": True}
    assert (preview["affected_run_ids"], preview["newly_blocking"]) == ([blocked], [blocked])
    assert preview["runs_evaluated"] == 2
    assert api.get("/policies/environment/prod")["policy"] is None


def test_the_gate_stands_before_every_way_to_start_a_run(api: Api) -> None:
    put(api, "prod", REVIEW)
    body = {"spec": workflow("a"), "environment": "prod", "input": "hi"}
    for path in ("/runs", "/specs/run"):
        assert api.post(path, body, 403)["detail"]["error"] == "environment_policy_blocked"
    assert not Run.objects.exists()


def test_changes_at_the_same_moment_leave_one_whole_policy_and_two_events(api: Api) -> None:
    bodies = [REVIEW, {**NOTHING, "fail_on_warnings": True}]
    together = threading.Barrier(2)

    def change(body: dict[str, Any]) -> int:
        together.wait()
        try:
            return Api().client.put("/v1/policies/environment/prod", body, "application/json").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(change, bodies)) == [200, 200]

    assert api.get("/policies/environment/prod")["policy"] in bodies
    events = list(AuditEvent.objects.filter(event_type="policy.changed").order_by("pk"))
    assert [event.metadata["previous"] for event in events] == [None, events[0].metadata["current"]]


ROUTES = [
    *(("POST", f"/specs/{question}", "specs:read") for question in ("validate", "compile", "explain", "graph")),
    ("POST", "/specs/policy-report", "specs:read"),
    ("POST", "/specs/run", "runs:write"),
    ("GET", "/skills", "specs:read"),
    ("GET", "/policies/environment", "policies:read"),
    ("GET", "/policies/environment/prod", "policies:read"),
    ("PUT", "/policies/environment/prod", "policies:write"),
    ("POST", "/policies/environment/prod/preview", "policies:read"),
]


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_every_route_wants_a_key_with_its_scope(api: Api, method: str, path: str, scope: str) -> None:
    def status(key: str | None) -> int:
        headers = {} if key is None else {"X-Kneo-Api-Key": key}
        return api.client.generic(method, f"/v1{path}", "{}", "application/json", headers=headers).status_code

    with override_settings(API_KEYS=f"none:none:audit:read;right:right:{scope}"):
        assert (status(None), status("wrong"), status("none")) == (401, 401, 403)
        assert status("right") not in {401, 403}


def test_the_schema_of_the_language_is_public_and_fetched_once(api: Api) -> None:
    with override_settings(API_KEYS="right:right:specs:read"):
        first = api.client.get("/v1/specs/schema")
        again = api.client.get("/v1/specs/schema", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_an_operator_sees_what_environments_demand(api: Api) -> None:
    put(api, "prod", REVIEW)
    browser = operator()
    listed = browser.get("/admin/specs/storedpolicy/").content.decode()
    assert "require_human_review" in listed
    assert "Changes of policies" in browser.get("/admin/specs/storedpolicy/prod/change/").content.decode()
