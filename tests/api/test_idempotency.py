"""The header Idempotency-Key: the same key from the same caller is the same request."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client, override_settings

from kneo_project.audit.models import AuditEvent
from runs import executor
from runs.models import IdempotencyRecord, Run
from tests.api.conftest import Api
from tests.api.specs import agent, workflow

ORDER = {"input": "hi", "spec": workflow("a")}
TWO_CALLERS = {"API_KEYS": "ann:key-a:service;bob:key-b:service"}


def raw(api: Api, body: object, key: str = "k", **headers: str) -> tuple[int, bytes]:
    sent = {"Idempotency-Key": key, **headers}
    response = api.client.post("/v1/runs", body, "application/json", headers=sent)
    return response.status_code, response.content


@pytest.mark.parametrize("async_mode", [False, True])
def test_the_first_answer_is_given_again_byte_for_byte(api: Api, async_mode: bool) -> None:
    order = {**ORDER, "async_mode": async_mode}
    first, again = raw(api, order), raw(api, order)
    assert first == again
    assert first[0] == (202 if async_mode else 200)
    assert Run.objects.count() == AuditEvent.objects.count() == 1


def test_defaults_and_the_order_of_keys_make_no_difference(api: Api) -> None:
    spelled_out = {"async_mode": False, "metadata": {}, "target": "workflow", "spec": ORDER["spec"], "input": "hi"}
    assert raw(api, ORDER) == raw(api, spelled_out)


def test_a_key_for_another_request_is_a_conflict(api: Api) -> None:
    api.post("/runs", ORDER, key="k")
    detail = api.post("/runs", {**ORDER, "input": "other"}, 409, key="k")["detail"]
    assert (detail["error"], detail["scope"]) == ("idempotency_key_conflict", "runs:create")
    assert Run.objects.count() == 1


def test_another_caller_means_another_request_by_the_same_key(api: Api) -> None:
    with override_settings(**TWO_CALLERS):
        ann = raw(api, ORDER, Authorization="Bearer key-a")
        bob = raw(api, ORDER, Authorization="Bearer key-b")
    assert (ann[0], bob[0]) == (200, 200)
    assert ann != bob


def test_both_prefixes_know_the_same_keys(api: Api) -> None:
    first = raw(api, ORDER)
    bare = api.client.post("/runs", ORDER, "application/json", headers={"Idempotency-Key": " k "})
    assert (bare.status_code, bare.content) == first


def test_a_blank_key_is_no_key(api: Api) -> None:
    api.post("/runs", ORDER, key="  ")
    assert not IdempotencyRecord.objects.exists()


def test_a_key_of_256_characters_is_fine_and_a_longer_one_is_refused_before_the_body_is_read(api: Api) -> None:
    api.post("/runs", ORDER, key="x" * 256)
    detail = api.post("/runs", {"no": "input"}, 400, key="x" * 257)["detail"]
    assert detail["error"] == "invalid_idempotency_key"


def test_a_refused_order_does_not_use_up_its_key(api: Api) -> None:
    api.post("/runs", {**ORDER, "spec": {"version": "v1"}}, 400, key="k")
    assert api.post("/runs", ORDER, key="k")["status"] == "completed"


def test_a_failed_run_is_not_run_again_under_its_key(api: Api) -> None:
    order = {"input": "hi", "spec": workflow("boom")}
    first, again = (api.post("/runs", order, 500, key="k")["detail"] for _ in range(2))
    assert first == again
    assert Run.objects.count() == 1


def test_a_second_request_attaches_to_the_run_that_is_still_going(api: Api, broken_bell: None) -> None:
    with override_settings(SYNC_WAIT_SECONDS=0.01):
        first, again = (api.post("/runs", ORDER, 202, key="k") for _ in range(2))
    assert first["run_id"] == again["run_id"]
    assert first["status"] == again["status"] == "running"


def test_the_outcome_is_kept_once_there_is_one(api: Api, broken_bell: None) -> None:
    with override_settings(SYNC_WAIT_SECONDS=0.01):
        promise = api.post("/runs", ORDER, 202, key="k")
    executor.advance(uuid.UUID(promise["run_id"]))
    outcome = api.post("/runs", ORDER, key="k")
    assert (outcome["run_id"], outcome["status"]) == (promise["run_id"], "completed")


def test_requests_that_race_with_the_same_key_get_the_same_run(api: Api) -> None:
    def send(_: int) -> tuple[int, bytes]:
        try:
            response = Client().post("/v1/runs", ORDER, "application/json", headers={"Idempotency-Key": "k"})
            return response.status_code, response.content
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(send, range(4)))
    assert len(answers) == 1
    assert Run.objects.count() == 1


def test_kept_answers_hold_no_secrets(api: Api) -> None:
    api.post("/runs", {"input": "password=hunter2", "spec": agent()}, key="k")
    assert "hunter2" not in (IdempotencyRecord.objects.get().response or "")


def test_cancelling_ignores_the_key(api: Api) -> None:
    run_id = api.run(agent())["run_id"]
    api.post(f"/runs/{run_id}/cancel", key="k")
    assert not IdempotencyRecord.objects.exists()
