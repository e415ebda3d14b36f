"""Every way in which the document says that a request may be refused is provoked by a test that names its code."""

import re
from pathlib import Path
from typing import Any

from django.test import Client

RINGS = ("api", "integration", "contract", "acceptance")
ASSERTED = {
    code
    for ring in RINGS
    for path in (Path(__file__).parents[1] / ring).rglob("test_*.py")
    for code in re.findall(r'"([a-z]+(?:_[a-z]+)*)"', path.read_text())
}


def codes(document: dict[str, Any]) -> set[str]:
    """Return the codes in the examples of refusals; a list of problems has none."""
    operations = [each for path in document["paths"].values() for each in path.values()]
    answers = [answer for each in operations for answer in each["responses"].values()]
    examples = [
        example["value"]
        for answer in answers
        for content in answer.get("content", {}).values()
        for example in content.get("examples", {}).values()
        if isinstance(example["value"], dict)
    ]
    details = [example["detail"] for example in examples if "detail" in example]
    return {detail["error"] for detail in details if isinstance(detail, dict)}


def test_every_documented_refusal_is_provoked() -> None:
    documented = codes(Client().get("/openapi.json").json())
    assert len(documented) >= 25
    assert documented - ASSERTED == set()
