"""What is privileged: imports that reach the machine, tools without bounds, and nobody who is asked."""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec
from specs.language.validation.steps import has_enabled_human

UNSAFE_MODULES = frozenset(
    {
        "builtins",
        "code",
        "codeop",
        "ctypes",
        "fcntl",
        "importlib",
        "marshal",
        "mmap",
        "multiprocessing",
        "nt",
        "os",
        "pathlib",
        "pdb",
        "pickle",
        "platform",
        "posix",
        "pty",
        "runpy",
        "shutil",
        "signal",
        "socket",
        "subprocess",
        "sys",
        "tty",
    }
)
UNSAFE_SYMBOLS = frozenset({"eval", "exec", "open", "compile", "__import__", "breakpoint"})
DANGEROUS_FLAGS = (
    ("allow_shell", "W_TOOL_SHELL_ALLOWED", "run shell commands"),
    ("allow_filesystem_write", "W_TOOL_FILESYSTEM_WRITE_ALLOWED", "write files"),
    ("allow_filesystem_read", "W_TOOL_FILESYSTEM_READ_ALLOWED", "read files"),
)


def governance_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what is privileged in ``spec`` and, if something is and no enabled step asks a person, that too."""
    privileged = [*_imports(spec)]
    for at, agent in spec.located_agents():
        privileged += _permissions(agent, (*at, "tools", "permissions"))
    yield from privileged
    if privileged and not any(has_enabled_human(workflow) for _, workflow in spec.located_workflows()):
        message = "The spec declares something privileged and asks nobody."
        yield Finding("W_HUMAN_APPROVAL_MISSING", ("workflow",), message, "Add a human step before it is used.")


def _imports(spec: Spec) -> Iterator[Finding]:
    for name, tool in spec.tools.items():
        if is_unsafe_import(tool.implementation or ""):
            yield _unsafe("E_UNSAFE_TOOL_IMPORT", ("tools", name, "implementation"), f"Tool {name!r}")
    for name, function in spec.components.functions.items():
        if is_unsafe_import(function.implementation):
            at = ("components", "functions", name, "implementation")
            yield _unsafe("E_UNSAFE_FUNCTION_IMPORT", at, f"Function {name!r}")


def is_unsafe_import(path: str) -> bool:
    """Return whether the dotted ``path`` leads into a module that reaches the machine. A lint, not a sandbox."""
    module, dot, _ = path.partition(".")
    return path in UNSAFE_SYMBOLS or (bool(dot) and module in UNSAFE_MODULES)


def _unsafe(code: str, at: Location, what: str) -> Finding:
    hint = "Wrap what you need in a function of a module of your own."
    return Finding(code, at, f"{what} imports from a module that can reach the machine.", hint)


def _permissions(agent: AgentSpec, at: Location) -> Iterator[Finding]:
    if agent.tools is None:
        return
    permissions = agent.tools.permissions
    if permissions is None:
        message = f"Agent {agent.name!r} has tools and no permissions."
        yield Finding("W_TOOL_POLICY_UNRESTRICTED", at, message, "Add `permissions` to its tools.")
        return
    if permissions.allow_network and not permissions.allowed_domains:
        message = f"The tools of agent {agent.name!r} may reach any host."
        yield Finding("W_TOOL_NETWORK_UNRESTRICTED", (*at, "allowed_domains"), message, "List `allowed_domains`.")
    for flag, code, verb in DANGEROUS_FLAGS:
        if getattr(permissions, flag):
            yield Finding(code, (*at, flag), f"The tools of agent {agent.name!r} may {verb}.")
