"""Turns any exception into the error body of the contract: inside DRF views, and outside of them."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.db import InternalError as InternalDatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.html import format_html
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from kneo_project.api.problems import problems_in
from kneo_project.errors import (
    Forbidden,
    InternalError,
    InvalidRequest,
    KneoError,
    RequestInvalid,
)
from kneo_project.transient import REFUSALS, Trouble, trouble_of

logger = logging.getLogger("kneo_serv.service")

# The paths that people open in a browser; everything else is API and answers JSON.
PAGE_PREFIXES = ("/admin/",)
_SQLITE_GENERIC_ERROR = 1
_TOO_LONG = "54000"  # what PostgreSQL says of a value that has no room in an index
_PAGE = '<!doctype html><html lang="en"><title>Not now</title><h1>Not now</h1><p>{}</p></html>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an exception means to the caller."""

    status: int
    detail: object
    headers: Mapping[str, str] = field(default_factory=dict)


@singledispatch
def refusal_for(error: BaseException) -> Refusal:
    """Return what ``error`` means to the caller; one that nobody expected is logged and says nothing."""
    logger.error("unexpected error", exc_info=error)
    return refusal_for(InternalError())


@refusal_for.register
def _(error: KneoError) -> Refusal:
    headers = dict(error.headers)
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return Refusal(status=error.status, detail=error.detail, headers=headers)


@refusal_for.register
def _(error: exceptions.APIException) -> Refusal:
    return Refusal(status=error.status_code, detail=str(error.detail))


@refusal_for.register
def _(error: exceptions.ValidationError) -> Refusal:
    return refusal_for(RequestInvalid(problems_in(error.detail, "body")))


@refusal_for.register
def _(error: exceptions.MethodNotAllowed) -> Refusal:
    return Refusal(status=error.status_code, detail="Method Not Allowed")


@refusal_for.register(Http404)
@refusal_for.register(exceptions.NotFound)
def _(error: BaseException) -> Refusal:
    return Refusal(status=404, detail="Not Found")


@refusal_for.register
def _(error: PermissionDenied) -> Refusal:
    return refusal_for(Forbidden())


@refusal_for.register
def _(error: SuspiciousOperation) -> Refusal:
    return refusal_for(InvalidRequest("The request is malformed or not meant for this host."))


@refusal_for.register(OperationalError)
@refusal_for.register(InterfaceError)
def _(error: BaseException) -> Refusal:
    if getattr(error.__cause__, "sqlstate", None) == _TOO_LONG:
        return refusal_for(InvalidRequest("A value in the request is too long to be kept."))
    # SQLite reports a wrong schema with the same class as a busy file; trying again does not mend the former.
    is_schema_fault = getattr(error.__cause__, "sqlite_errorcode", None) == _SQLITE_GENERIC_ERROR
    return _unexpected(error) if is_schema_fault else _unavailable(error, trouble_of(error) or Trouble.AWAY)


@refusal_for.register
def _(error: InternalDatabaseError) -> Refusal:
    trouble = trouble_of(error)
    return _unexpected(error) if trouble is None else _unavailable(error, trouble)


def _unexpected(error: BaseException) -> Refusal:
    return refusal_for.dispatch(BaseException)(error)


def _unavailable(error: BaseException, trouble: Trouble) -> Refusal:
    logger.warning("database unavailable", exc_info=error)
    return refusal_for(REFUSALS[trouble]())


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer an exception raised inside a DRF view (the setting ``EXCEPTION_HANDLER``)."""
    refusal = refusal_for(exc)
    headers = dict(refusal.headers)
    if refusal.status == 405:
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return Response({"detail": refusal.detail}, status=refusal.status, headers=headers)


def json_response(error: BaseException) -> JsonResponse:
    """Answer an exception raised outside DRF: in a middleware, or by the URL resolver."""
    refusal = refusal_for(error)
    compact = {"separators": (",", ":")}
    body = {"detail": refusal.detail}
    return JsonResponse(body, status=refusal.status, headers=dict(refusal.headers), json_dumps_params=compact)


def _is_page(request: HttpRequest) -> bool:
    return request.path.startswith(PAGE_PREFIXES)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refuses (``handler400``)."""
    return defaults.bad_request(request, exception) if _is_page(request) else json_response(SuspiciousOperation())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a refusal outside DRF (``handler403``)."""
    return defaults.permission_denied(request, exception) if _is_page(request) else json_response(PermissionDenied())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path (``handler404``)."""
    return defaults.page_not_found(request, exception) if _is_page(request) else json_response(Http404())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that nobody caught (``handler500``); Django has logged it already."""
    error = sys.exception()
    trouble = error and trouble_of(error)
    refusal = REFUSALS[trouble]() if trouble else InternalError()
    if not _is_page(request):
        return json_response(refusal)
    return defaults.server_error(request) if trouble is None else _page_of_trouble(refusal)


def _page_of_trouble(refusal: KneoError) -> HttpResponse:
    """Return a page that needs nothing of the database."""
    return HttpResponse(
        format_html(_PAGE, refusal.message), status=refusal.status, headers={"Retry-After": refusal.retry_after_seconds}
    )
