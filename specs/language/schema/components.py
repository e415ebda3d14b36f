"""What steps and agents refer to by name: functions, humans, tools, MCP servers, skills."""

from typing import Annotated, Literal

from pydantic import Field

from specs.language.schema.block import Block, FreeForm, PlainPath


class FunctionSpec(Block):
    """A Python function that takes the step's input. ``sets`` names the run's variables that its result sets."""

    implementation: str
    sets: dict[str, str] = {}
    input_schema: FreeForm | None = None
    output_schema: FreeForm | None = None


class HumanSpec(Block):
    """A question put to a person. ``on_reject``, ``form`` and ``sets`` are additions; their defaults change nothing.

    ``form`` is the JSON Schema of what the person fills in, ``sets`` names the run's variables that its fields set.
    So are ``approvals``, how many people have to agree, and ``exclude_requester``: not who started the run.
    """

    description: str | None = None
    assignee: str | None = None
    timeout_seconds: int | None = None
    on_timeout: Literal["fail", "continue", "escalate"] = "fail"
    on_reject: Literal["fail", "continue"] = "continue"
    request_type: Literal["approval", "review", "correction", "selection", "freeform"] = "approval"
    options: list[str] | None = None
    default_option: str | None = None
    context: FreeForm | None = None
    response_role: Literal["user", "assistant", "system"] | None = None
    form: FreeForm | None = None
    sets: dict[str, str] = {}
    approvals: int = 1
    exclude_requester: bool = False


class WaitSpec(Block):
    """A time to let pass: so many seconds from when it is reached, or until a moment. An addition of this release."""

    seconds: float | None = None
    until: str | None = None


class SignalSpec(Block):
    """Something that is to happen outside, and is told to the run by name. An addition of this release.

    ``payload_schema`` is the JSON Schema of what is told with it; ``sets`` names the variables that its keys set.
    """

    description: str | None = None
    payload_schema: FreeForm | None = None
    sets: dict[str, str] = {}


class HttpToolSpec(Block):
    """A request that a tool makes, with places for its arguments in ``url`` and ``query``. An addition of this release.

    ``header_refs`` are headers whose values are secrets of the service, by name.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    header_refs: dict[str, str] = {}
    allowed_domains: list[str] = []
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    max_response_bytes: Annotated[int, Field(gt=0, le=16 * 1024 * 1024)] = 1024 * 1024


class ToolSpec(Block):
    """Something an agent can call, backed by exactly one of implementation, mcp, agent and http.

    Additions of this release: ``http``; a call of a ``retry_unsafe`` tool is never made twice; ``approval`` asks a
    person before it is called, whom ``approver`` describes, and who may change the arguments with ``edit_arguments``.
    """

    description: str
    parameters: FreeForm = {}
    implementation: str | None = None
    mcp: FreeForm | None = None
    agent: str | None = None
    http: HttpToolSpec | None = None
    retry_unsafe: bool = False
    approval: Literal["never", "privileged", "always"] = "never"
    approver: str | None = None
    edit_arguments: bool = False


class McpServerSpec(Block):
    """A server of tools that speaks the Model Context Protocol.

    ``header_refs`` and ``env_refs`` are additions of this release: headers and variables whose values are secrets of
    the service, by name.
    """

    transport: Literal["stdio", "http", "sse"]
    command: str | None = None
    args: list[str] = []
    env: dict[str, str] | None = None
    cwd: PlainPath | None = None
    url: str | None = None
    sse_url: str | None = None
    message_url: str | None = None
    headers: dict[str, str] | None = None
    header_refs: dict[str, str] | None = None
    env_refs: dict[str, str] | None = None
    timeout: float | None = None
    max_response_bytes: int | None = None
    sse_read_timeout: float | None = None
    verify: bool | None = None
    ca_bundle: PlainPath | None = None
    client_cert: PlainPath | None = None
    client_key: PlainPath | None = None
    client_key_ref: str | None = None


class SkillSpec(Block):
    """Where the packaged instructions of a skill lie."""

    source: PlainPath
    description: str | None = None
