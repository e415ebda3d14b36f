"""From a checked spec to the plan the engine reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from specs.language.checking import examine
from specs.language.compiling_agents import (
    NO_SKILLS,
    Skills,
    compile_agent,
    compile_mcp_server,
    compile_tool,
    may_ask_people,
)
from specs.language.compiling_workflows import are_timed, compile_workflow, recurring_agents
from specs.language.diagnostics import CompileError, Finding, Location, Positions, diagnose
from specs.language.limits import MAX_NAME_CHARS, MAX_TIMEOUT_SECONDS
from specs.language.moments import moment
from specs.language.plan import FunctionPlan, HumanPlan, OnReject, OnTimeout, Plan, RequestType, SignalPlan, WaitPlan
from specs.language.schema import Spec
from specs.language.schema.components import HumanSpec, WaitSpec
from specs.language.unsupported import unsupported_findings
from specs.language.validation.steps import located_steps


def compile_plan(data: Mapping[str, Any], *, environment: str | None = None, skills: Skills = NO_SKILLS) -> Plan:
    """Return the plan of the document ``data``, whose skills are ``skills`` in their stored form.

    Raises:
        CompileError: the document has errors, or this release cannot run it.
    """
    examination = examine(data, environment=environment)
    if examination.spec is None or examination.errors:
        raise CompileError(examination.errors)
    return compile_spec(examination.spec, skills=skills)


def compile_spec(spec: Spec, *, positions: Positions | None = None, skills: Skills = NO_SKILLS) -> Plan:
    """Return the plan of ``spec``, in which no check has found an error.

    Args:
        spec: the spec.
        positions: the places of its keys, for diagnostics.
        skills: name -> the stored form of a skill; agents lack what is not in it.

    Raises:
        CompileError: this release cannot run it.
    """
    if findings := [*unsupported_findings(spec), *_overlong(spec)]:
        raise CompileError(diagnose(findings, positions))
    workflow = compile_workflow(spec.workflow, spec) if spec.workflow else None
    workflows = {name: compile_workflow(each, spec) for name, each in spec.components.workflows.items()}
    root = compile_agent(spec.agent, skills)
    agents = {name: compile_agent(agent, skills) for name, agent in spec.components.agents.items()}
    tools = {name: compile_tool(name, tool) for name, tool in spec.tools.items()}
    return Plan(
        agent=root,
        workflow=workflow,
        workflows=workflows,
        recurring=recurring_agents(workflow, workflows.values()),
        asks_people=may_ask_people((root, *agents.values()), tools.values()),
        has_timed_workflows=are_timed([*workflows.values(), *([workflow] if workflow else [])]),
        agents=agents,
        functions={
            name: FunctionPlan(
                implementation=function.implementation,
                sets=function.sets,
                input_schema=function.input_schema,
                output_schema=function.output_schema,
            )
            for name, function in spec.components.functions.items()
        },
        humans={name: _human(human) for name, human in spec.components.humans.items()},
        waits={name: _wait(wait) for name, wait in spec.components.waits.items()},
        signals={
            name: SignalPlan(payload_schema=signal.payload_schema, sets=signal.sets)
            for name, signal in spec.components.signals.items()
        },
        tools=tools,
        mcp_servers={name: compile_mcp_server(server) for name, server in spec.mcp_servers.items()},
    )


def _overlong(spec: Spec) -> Iterator[Finding]:
    """Yield what the language lets pass and nothing can hold: timeouts that end on no date, names without end."""
    humans = spec.components.humans.items()
    timeouts: list[tuple[Location, int | None]] = [
        (("components", "humans", name, "timeout_seconds"), human.timeout_seconds) for name, human in humans
    ]
    names: list[tuple[Location, str | None]] = [((*at, "name"), agent.name) for at, agent in spec.located_agents()]
    names += [(("components", "signals", name), name) for name in spec.components.signals]
    for at, workflow in spec.located_workflows():
        names.append(((*at, "name"), workflow.name))
        for here, step in located_steps(workflow, at):
            timeouts.append(((*here, "timeout_seconds"), step.timeout_seconds))
            names.append(((*here, "id"), step.id))
    for at, seconds in timeouts:
        if seconds is not None and seconds > MAX_TIMEOUT_SECONDS:
            yield Finding("E_LIMIT", at, f"A timeout is at most {MAX_TIMEOUT_SECONDS} seconds, which is ten years.")
    for at, name in names:
        if name is not None and len(name) > MAX_NAME_CHARS:
            yield Finding("E_LIMIT", at, f"A name has at most {MAX_NAME_CHARS} characters.")


def _wait(wait: WaitSpec) -> WaitPlan:
    until = moment(wait.until) if wait.until is not None else None
    return WaitPlan(seconds=wait.seconds, until=until.timestamp() if until else None)


def _human(human: HumanSpec) -> HumanPlan:
    words = {"title": human.description, "prompt": human.description} if human.description else {}
    return HumanPlan(
        **words,
        request_type=RequestType(human.request_type),
        assignee=human.assignee,
        timeout_seconds=int(limit) if (limit := _limit(human.timeout_seconds)) else None,
        on_timeout=OnTimeout(human.on_timeout),
        on_reject=OnReject(human.on_reject),
        options=tuple(human.options) if human.options is not None else None,
        default_option=human.default_option,
        context=human.context or {},
        response_role=human.response_role,
        form=human.form,
        sets=human.sets,
        approvals=human.approvals,
        exclude_requester=human.exclude_requester,
    )


def _limit(seconds: int | None) -> int | None:
    """Return the limit that ``seconds`` stands for: nothing, zero and less are no limit."""
    return seconds if seconds is not None and seconds > 0 else None
