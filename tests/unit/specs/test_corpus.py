"""Every file of the corpus gets the verdict of the published system, code by code and in its order."""

import pytest

from specs.language.checking import check
from specs.language.diagnostics import Diagnostic, SpecSyntaxError
from specs.language.parsing import load
from tests.corpus import ROOT, verdicts

VERDICTS = verdicts()
RAISING = {
    "invalid/RAISES--empty-file.yaml": "E_SYNTAX",
    "invalid/RAISES--guardrail-stage-not-a-list.yaml": "E_SCHEMA",
    "invalid/RAISES--integer-version.yaml": "E_VERSION",
    "invalid/RAISES--list-root.yaml": "E_SYNTAX",
    "invalid/RAISES--malformed-yaml.yaml": "E_SYNTAX",
    "invalid/RAISES--unsupported-version.yaml": "E_VERSION",
    "invalid/RAISES--v0-null-components.yaml": "E_SCHEMA",
}


def judge(name: str) -> list[Diagnostic]:
    try:
        document = load((ROOT / name).read_text(), name=name)
    except SpecSyntaxError as error:
        return list(error.diagnostics)
    return check(document.data, positions=document.positions)


@pytest.mark.parametrize("name", sorted(set(VERDICTS) - set(RAISING)))
def test_the_verdict_is_that_of_the_published_system(name: str) -> None:
    found = [{"code": each.code, "severity": each.severity.value, "path": each.path} for each in judge(name)]

    assert found == VERDICTS[name]["diagnostics"]


@pytest.mark.parametrize(("name", "code"), RAISING.items())
def test_what_crashes_the_published_system_is_one_error_with_a_position(name: str, code: str) -> None:
    (found,) = judge(name)

    assert (found.code, found.is_error) == (code, True)
    assert found.line is not None


def test_every_crash_of_the_published_system_is_covered() -> None:
    assert {name for name, verdict in VERDICTS.items() if "raises" in verdict} == set(RAISING)
