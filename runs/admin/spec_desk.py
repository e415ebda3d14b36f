"""The page where a spec is read line by line, and a run or a schedule is made of it. Nothing else is stored."""

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from kneo_project.audit.services import record
from kneo_project.errors import KneoError, RequestInvalid
from kneo_project.redaction import redact
from kneo_project.site import showing
from kneo_project.site.colouring import numbered_lines, yaml_document
from runs import services
from runs.admin import columns
from runs.admin.spec_forms import OrderForm, ScheduleForm, SpecForm, blame, body_of
from runs.errors import ScheduleExists
from runs.idempotency import key_of, once
from runs.models import Schedule
from runs.schedules import keeping
from runs.serializers.requests import RunCreateRequestSerializer, order_in
from runs.serializers.schedules import ScheduleRequestSerializer, columns_in
from runs.tasks import ring
from specs.drawn import graph_of
from specs.language.codes import MEANINGS
from specs.language.fixes import FIXES
from specs.language.rendering import render
from specs.models import SpecSnapshot
from specs.reading import Reading, Remark, read
from specs.services import SpecSource

MAY_READ, MAY_START, MAY_SCHEDULE = "specs.view_specsnapshot", "runs.change_run", "runs.change_schedule"
KEY_SCOPE = "admin:start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the text as HTML, and what there is to say about it."""

    number: int
    html: SafeString
    remarks: list[dict[str, object]]


def desk(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Show the page; read the spec that is sent, and start a run or make a schedule of it if that is asked for."""
    if not request.user.has_perm(MAY_READ):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, site, SpecForm(initial=_given(request)), _forms(request, ""))
    what = request.POST.get("do", "check")
    _refuse(request, what)
    form, asked = SpecForm(request.POST, request.FILES), _forms(request, what)
    if not form.is_valid():
        return _page(request, site, form, asked)
    text, environment = form.cleaned_data["text"], form.cleaned_data["environment"] or None
    reading = read(text, name=form.name, environment=environment)
    record("spec.validated", actor=request.user.get_username(), metadata=_facts(reading, environment))
    bound = [each for each in asked if each.is_bound]
    if bound and all(each.is_valid() for each in bound) and reading.plan is not None:
        made = _make(request, bound, cast("SpecSource", reading.source))
        if made is not None:
            return redirect(made)
    return _page(request, site, SpecForm(initial={"text": text, "environment": environment}), asked, reading)


def _forms(request: HttpRequest, what: str) -> list[forms.Form]:
    """Return the forms of a run and of a schedule; those that ``what`` is not about only keep what is written there."""
    asked: list[forms.Form] = []
    for made_by, form in (({"start", "schedule"}, OrderForm), ({"schedule"}, ScheduleForm)):
        written = {name: request.POST[name] for name in form.base_fields if name in request.POST}
        asked.append(form(request.POST) if what in made_by else form(initial=written))
    return asked


def _refuse(request: HttpRequest, what: str) -> None:
    needed = {"check": MAY_READ, "start": MAY_START, "schedule": MAY_SCHEDULE}.get(what)
    if needed is None or not request.user.has_perm(needed):
        raise PermissionDenied


def _given(request: HttpRequest) -> dict[str, str]:
    """Return the spec that a link names by its digest, to begin with. What it keeps secret has to be written again."""
    snapshot = SpecSnapshot.objects.filter(digest=request.GET.get("spec", "")).first()
    if snapshot is None:
        return {}
    return {
        "text": render(cast("dict[str, Any]", redact(snapshot.content["base"]))),
        "environment": snapshot.content["environment"] or "",
    }


def _make(request: HttpRequest, asked: list[forms.Form], source: SpecSource) -> str | None:
    """Make what is asked for; return the address of its page, or None with errors in the forms."""
    is_timed = len(asked) > 1
    body = body_of(asked, ScheduleRequestSerializer if is_timed else RunCreateRequestSerializer, source)
    if body is None:
        return None
    actor = request.user.get_username()
    try:
        if is_timed:
            return _made(request, keeping.create_schedule(body["name"], source, columns_in(body), actor=actor))
        return _started(request, body, asked[0].cleaned_data["once"], actor)
    except RequestInvalid as error:
        for problem in error.problems:
            blame(asked, str(problem.loc[-1]), problem.msg)
    except KneoError as error:
        blame(asked, "name" if isinstance(error, ScheduleExists) else "", error.message)
    return None


def _made(request: HttpRequest, schedule: Schedule) -> str:
    messages.success(request, f"The schedule {schedule.name} is made.")
    return showing.address("runs_schedule_change", args=[schedule.pk])


def _started(request: HttpRequest, body: dict[str, Any], word: str, actor: str) -> str:
    """Start the run, once however often the button was pressed."""
    asked = order_in({**body, "async_mode": True}, event_type="spec.run")
    key = key_of(word or None, principal=actor, scope=KEY_SCOPE, payload=body)
    run, promised = once(key, lambda: services.start_run(asked, actor=actor, key=key))
    if promised is None:
        ring(run.pk, run.queue)
    messages.success(request, f"Run {showing.short_id(run.pk)} is started.")
    return columns.run_address(run.pk)


def _page(
    request: HttpRequest, site: AdminSite, form: SpecForm, asked: list[forms.Form], reading: Reading | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Check and run a spec",
        "opts": Schedule._meta,  # noqa: SLF001 (documented Model._meta API)
        "form": form,
        "reading": reading,
        "may_start": request.user.has_perm(MAY_START),
        "may_schedule": request.user.has_perm(MAY_SCHEDULE),
        "order_form": asked[0],
        "schedule_form": asked[1],
    }
    if reading is not None:
        context |= _said(reading, form.initial["text"])
    return TemplateResponse(request, "admin/kneo/spec_desk.html", context)


def _said(reading: Reading, text: str) -> dict[str, object]:
    """Return what the page says about a text that was read."""
    remarks = [_shown(remark) for remark in reading.remarks]
    report = {name: part for name, part in (reading.report or {}).items() if name != "diagnostics"}
    return {
        "verdict": _verdict(reading),
        "remarks": remarks,
        "lines": _lines(text, remarks) if remarks else [],
        "graph": graph_of(reading.plan) if reading.plan else None,
        "summary": [(_counted(name), count) for name, count in report.pop("summary", {}).items()],
        "report": yaml_document(report),
    }


def _counted(name: str) -> str:
    """Return what ``agent_count`` and its like count."""
    return f"{name.removesuffix('_count').replace('_', ' ')}s"


def _verdict(reading: Reading) -> SafeString:
    if reading.plan is not None:
        return showing.badge("valid", showing.Tone.GOOD)
    return showing.badge("refused" if reading.refusal else "invalid", showing.Tone.BAD)


def _shown(remark: Remark) -> dict[str, object]:
    tones = {"error": showing.Tone.BAD, "warning": showing.Tone.WAITING}
    return {
        "code": remark.code,
        "tone": tones.get(remark.severity, showing.Tone.QUIET),
        "severity": remark.severity,
        "message": showing.words(remark.message),
        "suggestion": showing.words(remark.suggestion) if remark.suggestion else "",
        "line": remark.line,
        "path": showing.words(remark.path) if remark.path else "",
        "meaning": MEANINGS[remark.code],
        "fix": FIXES[remark.code],
    }


def _lines(text: str, remarks: list[dict[str, object]]) -> list[Line]:
    about: dict[object, list[dict[str, object]]] = {}
    for remark in remarks:
        about.setdefault(remark["line"], []).append(remark)
    lines = enumerate(numbered_lines(text), start=1)
    return [Line(number=number, html=html, remarks=about.get(number, [])) for number, html in lines]


def _facts(reading: Reading, environment: str | None) -> dict[str, object]:
    named: dict[str, object] = {"spec_path": None, "inline_spec": True, "environment": environment, "overlays": []}
    return {**named, "valid": not reading.errors and reading.source is not None}
