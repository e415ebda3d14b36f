"""Files that somebody wrote to do harm, or by a very bad accident."""

from collections.abc import Mapping
from pathlib import Path

MEGABYTE = 1_000_000


def _aliases() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    return "\n".join(["version: v1", *lines, "agent: {name: x}"])


def _steps(count: int, ref: str) -> str:
    steps = "".join(f"  - {{id: s{number}, kind: agent, ref: {ref}}}\n" for number in range(count))
    agents = "components: {agents: {one: {name: one}}}"
    return f"version: v1\nagent: {{name: x}}\n{agents}\nworkflow:\n  type: sequential\n  steps:\n{steps}"


def _circle(count: int) -> str:
    agents = "".join(f"    a{number}: {{name: a, tools: [t{number}]}}\n" for number in range(count))
    tools = "".join(f"  t{number}: {{description: d, agent: a{(number + 1) % count}}}\n" for number in range(count))
    return f"version: v1\nagent: {{name: x}}\ntools:\n{tools}components:\n  agents:\n{agents}"


def _guarded(pattern: str) -> str:
    item = f"{{id: g, type: regex, config: {{patterns: ['{pattern}']}}}}"
    return f"version: v1\nagent:\n  name: x\n  guardrails: {{input: [{item}]}}\n"


BAD: Mapping[str, str | bytes] = {
    "aliases.yaml": _aliases(),
    "big.yaml": "a" * 10 * MEGABYTE,
    "big.json": '{"a": "' + "a" * 10 * MEGABYTE + '"}',
    "deep.yaml": "a: " + "[" * 10_000 + "]" * 10_000,
    "deep.json": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "nul.yaml": 'version: v1\nagent: {name: "a\0b"}',
    "tag.yaml": 'version: v1\nagent: !!python/object/apply:os.system ["touch owned"]',
    "binary.yaml": b"\x89PNG\xff\xfe",
    "number.yaml": "version: v1\nagent: {name: " + "9" * 100_000 + "}",
    "look-alike.yaml": "version: v1\nagent: {n\u0430me: x}",
    "keys.yaml": "version: v1\nagent: {name: x}\n" + "".join(f"k{number}: 1\n" for number in range(20_000)),
    "long-key.yaml": "version: v1\nagent: {name: x}\n? " + "k" * 500_000 + "\n: 1\n",
    "long-name.yaml": "version: v1\nagent: {name: x, skills: [" + "s" * 900_000 + "]}",
    "circle.yaml": _circle(2_000),
    "nobody.yaml": _steps(10_000, "nobody"),
    "look-around.yaml": _guarded("(?=a)"),
    "huge-repeat.yaml": _guarded("((a{1000}){1000}){1000}"),
}
"""Name -> content of files that are no valid spec."""

LARGE: Mapping[str, str] = {"steps.yaml": _steps(10_000, "one"), "backtracking.yaml": _guarded("^(a+)+$")}
"""Name -> content of files that are valid, and would hurt if they were judged carelessly."""


def write_all(directory: Path) -> None:
    """Write all of them into ``directory``."""
    for name, content in {**BAD, **LARGE}.items():
        (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
