"""The queries of the dashboard and of the alerts. ``python -m tests.observability`` prints them as rules to check."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[1] / "docker" / "observability"
DASHBOARD = FOLDER / "grafana" / "kneo-serv.json"
ALERTS = FOLDER / "alerts.yaml"
# What Grafana puts in before it asks.
VARIABLES = {"$__rate_interval": "1m", "$job": "kneo-serv"}
_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"')
_MATCHERS = re.compile(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}")
_LABEL = re.compile(r"(\w+)\s*[=!]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORDS = re.compile(r"(?<![\w.])[a-zA-Z_:][\w:]*(?!\w*\s*\()")
_OPERATORS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query, and where it is."""

    place: str
    text: str

    @property
    def metrics(self) -> set[str]:
        """Return the names of the metrics that it asks for."""
        text = _GROUPING.sub(" ", _MATCHERS.sub(r"\1 ", _STRINGS.sub('""', self.text)))
        text = re.sub(r"\[[^\]]*\]", " ", text)
        return set(_WORDS.findall(text)) - _OPERATORS

    @property
    def labels(self) -> set[str]:
        """Return the labels that it chooses or groups by."""
        matched = [
            name for _, inside in _MATCHERS.findall(self.text) for name in _LABEL.findall(_STRINGS.sub("", inside))
        ]
        grouped = [part.strip() for all_ in _GROUPING.findall(self.text) for part in all_.split(",")]
        return {label for label in (*matched, *grouped) if label}


def queries() -> Iterator[Query]:
    """Yield every query."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield Query(place=f"panel {panel['title']}, {target['refId']}", text=_filled(target["expr"]))
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield Query(place=f"alert {rule['alert']}", text=rule["expr"])


def _filled(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def main() -> int:
    """Print the queries as recording rules, which promtool can check."""
    rules = [{"record": f"query:{number}", "expr": query.text} for number, query in enumerate(queries())]
    sys.stdout.write(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
