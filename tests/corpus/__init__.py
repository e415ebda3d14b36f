"""Specs with the verdicts of the published system, and the schema it publishes."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent


def verdicts() -> dict[str, dict[str, Any]]:
    """Return what the published system says, by the path of the file below this directory."""
    files: dict[str, dict[str, Any]] = json.loads((ROOT / "expected.json").read_text())["files"]
    return files


def published_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a normalised v1 document."""
    schema: dict[str, Any] = json.loads((ROOT / "spec-v1.schema.json").read_text())
    return schema
