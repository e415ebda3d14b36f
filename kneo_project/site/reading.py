"""JSON-like values as a person reads them: texts, facts, lists and tables. Redacted like all that is shown."""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kneo_project.redaction import redact
from kneo_project.site import showing
from kneo_project.strict_json import NotJson, read_json

MOST_ROWS = 100
MOST_COLUMNS = 10
MOST_LEVELS = 3
LONG_CHARS = 100


def readable_text(text: str) -> SafeString | str:
    """Return a text; one that is the JSON of an object or of a list as that is read."""
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return readable(read_json(text))
        except NotJson:
            pass
    return showing.long_text(text)


def readable(value: object) -> SafeString | str:
    """Return a value: objects as facts, lists of objects as tables, what is too deep or too long as JSON."""
    return _shown(redact(value), 0)


def _shown(value: object, level: int) -> SafeString | str:
    if isinstance(value, str):
        return showing.long_text(value) if len(value) > LONG_CHARS or "\n" in value else value or showing.NOTHING
    if value in (None, {}, []):
        return showing.NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and level < MOST_LEVELS:
        return _facts(value, level)
    if isinstance(value, Sequence) and level < MOST_LEVELS and len(value) <= MOST_ROWS:
        return _table(value, level) if _is_table(value) else _list(value, level)
    return showing.document(value) if isinstance(value, Mapping | Sequence) else str(value)


def _facts(value: Mapping[str, object], level: int) -> SafeString:
    pairs = ((name, _shown(inner, level + 1)) for name, inner in value.items())
    return format_html('<dl class="kneo-facts">{}</dl>', format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs))


def _list(values: Iterable[object], level: int) -> SafeString:
    items = ((_shown(each, level + 1),) for each in values)
    return format_html('<ul class="kneo-list">{}</ul>', format_html_join("", "<li>{}</li>", items))


def _is_table(values: Sequence[object]) -> bool:
    rows = [each for each in values if isinstance(each, Mapping)]
    return len(rows) == len(values) and len(_columns(rows)) <= MOST_COLUMNS


def _columns(rows: Iterable[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _table(values: Sequence[object], level: int) -> SafeString:
    rows = [each for each in values if isinstance(each, Mapping)]
    names = _columns(rows)
    head = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in names))
    cells = (
        (format_html_join("", "<td>{}</td>", ((_shown(row.get(name), level + 2),) for name in names)),) for row in rows
    )
    table = '<div class="kneo-scroll" tabindex="0"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    return format_html(table, head, format_html_join("", "<tr>{}</tr>", cells))
