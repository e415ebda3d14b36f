"""The API of a service, as the commands ask it: tried again where that may help, and every refusal an error."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from types import TracebackType
from typing import Any, Never, Self

import httpx2

from kneo_project.errors import InvalidRequest, KneoError
from kneo_project.net.retry_after import retry_after_seconds
from kneo_project.version import version

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_PAUSE_SECONDS = 60.0
MOST_ITEMS = 1_000
KEYS_ARE_GIVEN = "here: set KNEO_SERV_API_KEY, or use a profile with a key"

type Values = Mapping[str, Any]


class Unreachable(KneoError):
    """The service gave no answer."""

    code = "service_unreachable"
    status = 503


class UnknownAnswer(KneoError):
    """The service gave an answer that this release does not understand."""

    code = "unknown_answer"
    status = 502


class Answer(dict[str, Any]):
    """An object of an answer: what is missing from it is the fault of whoever gave it."""

    def __missing__(self, key: str) -> Never:
        raise UnknownAnswer


class Refused(KneoError):
    """The service refused."""

    def __init__(self, code: str, message: str, *, status: int, data: Values) -> None:
        super().__init__(message, **data)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one attempt may take, how many more there are, and the pause before the first of them."""

    timeout_seconds: float = 120.0
    retries: int = 2
    backoff_seconds: float = 0.25

    @classmethod
    def of_environment(cls) -> Self:
        """Return what the environment variables say.

        Raises:
            InvalidRequest: one of them is no such number.
        """
        usual = cls()
        return cls(
            timeout_seconds=_number("KNEO_SERV_CLIENT_TIMEOUT", usual.timeout_seconds) or usual.timeout_seconds,
            retries=int(_number("KNEO_SERV_CLIENT_RETRIES", usual.retries)),
            backoff_seconds=_number("KNEO_SERV_CLIENT_RETRY_BACKOFF_SECONDS", usual.backoff_seconds),
        )


class Service:
    """A context manager: the API behind ``http``. ``is_local`` is one that lives in this process."""

    def __init__(self, http: httpx2.Client, patience: Patience, *, is_local: bool = False) -> None:
        self._http = http
        self._patience = patience
        self.is_local = is_local

    @classmethod
    def at(cls, url: str, *, api_key: str | None) -> Self:
        """Return the service at ``url``.

        Raises:
            InvalidRequest: the environment variables of the client make no sense.
        """
        patience = Patience.of_environment()
        headers = {"User-Agent": f"kneo-cli/{version()}"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        return cls(httpx2.Client(base_url=url, headers=headers, timeout=patience.timeout_seconds), patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: object) -> dict[str, Any]:
        """Return the answer to a question; what is None is not asked.

        Raises:
            KneoError: there was none, or it was a refusal.
        """
        asked = {name: str(value) for name, value in query.items() if value is not None}
        return self._body(self._ask("GET", path, params=asked))

    def post(self, path: str, body: Values | None = None, *, key: str | None = None) -> dict[str, Any]:
        """Return the answer to an order. Under one ``key`` it is carried out once, however often it is sent.

        Raises:
            KneoError: as ``get``.
        """
        return self._body(self._ask("POST", path, json=body, headers={"Idempotency-Key": key} if key else {}))

    def all_of(self, items_key: str, path: str, **query: object) -> dict[str, Any]:
        """Return the list at ``path`` as one page, however many the service makes of it.

        Raises:
            KneoError: as ``get``.
        """
        whole = self.get(path, limit=MOST_ITEMS, **query)
        items: list[Any] = whole[items_key]
        while len(items) < min(whole["total"], whole["window"]):
            page = self.get(path, limit=MOST_ITEMS, offset=len(items), **query)[items_key]
            if not page:
                break
            items += page
        return whole | {items_key: items, "count": len(items)}

    def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Return the answer, of the last attempt if none was good."""
        attempt = 1
        while True:
            asked = None
            try:
                response = self._http.request(method, f"/v1{path}", **request)
            except httpx2.ReadTimeout:
                seconds = self._patience.timeout_seconds
                raise Unreachable(f"The service {self._name} did not answer within {seconds:g} seconds.") from None
            except httpx2.RequestError as error:
                if attempt > self._patience.retries:
                    reason = str(error) or type(error).__name__
                    raise Unreachable(f"The service {self._name} cannot be reached: {reason}") from None
            else:
                if attempt > self._patience.retries or response.status_code not in RETRIED_STATUSES:
                    return response
                asked = retry_after_seconds(response.headers.get("Retry-After"), now=datetime.now(UTC))
            time.sleep(min(max(self._patience.backoff_seconds * attempt, asked or 0.0), LONGEST_PAUSE_SECONDS))
            attempt += 1

    def _body(self, response: httpx2.Response) -> dict[str, Any]:
        try:
            body = response.json(object_hook=Answer)
        except (ValueError, RecursionError):
            body = None
        if response.is_success and isinstance(body, dict):
            return body
        detail = body.get("detail") if isinstance(body, dict) else None
        raise self._refusal(response, detail)

    def _refusal(self, response: httpx2.Response, detail: object) -> Refused:
        status = response.status_code
        if isinstance(detail, dict) and isinstance(detail.get("message"), str):
            facts = {name: value for name, value in detail.items() if name not in {"error", "message"}}
            hints: dict[int, str] = {404: response.url.path, 401: KEYS_ARE_GIVEN}
            about = hints.get(status, facts.get("run_id"))
            message = f"{detail['message']} ({about})" if about else detail["message"]
            return Refused(str(detail.get("error")), message, status=status, data=facts)
        if isinstance(detail, list):
            problems = "; ".join(_problem(each) for each in detail if isinstance(each, dict))
            return Refused("validation_error", f"The request is not valid: {problems}", status=status, data={})
        answered = f"{status} {response.reason_phrase}".strip()
        return Refused("unknown_answer", f"The service {self._name} answered {answered}.", status=status, data={})

    @property
    def _name(self) -> str:
        return str(self._http.base_url).rstrip("/")


def _problem(problem: Values) -> str:
    loc = ".".join(str(part) for part in problem.get("loc", ()))
    return f"{loc}: {problem.get('msg', '')}"


def _number(name: str, default: float) -> float:
    raw = os.environ.get(name, "").strip()
    try:
        value = float(raw) if raw else default
    except ValueError:
        value = -1.0
    if not isfinite(value) or value < 0:
        raise InvalidRequest(f"{name} must be a number that is not negative, not {raw!r}.")
    return value
