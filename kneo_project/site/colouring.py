"""YAML with coloured syntax, redacted: documents, and texts as they were written. Colours are in ``kneo/code.css``."""

import yaml
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import YamlLexer

from kneo_project.redaction import redact, redact_text
from kneo_project.site.showing import MOST_CHARS, NOTHING

WIDTH = 110
# Colouring takes a second for a million characters, and nobody reads so many.
MOST_COLOURED_CHARS = 100_000
MOST_LINES = 3_000


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def yaml_document(value: object) -> SafeString | str:
    """Return a JSON-like value as YAML, redacted, coloured, and cut where a page would become unusable."""
    if value in (None, {}, []):
        return NOTHING
    text: str = yaml.dump(redact(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    if len(text) > MOST_CHARS:
        text = f"{text[:MOST_CHARS]}\n# …"
    return format_html('<pre class="kneo-text kneo-code" tabindex="0">{}</pre>', _coloured(text))


def numbered_lines(text: str) -> list[SafeString]:
    """Return the lines of a YAML or JSON text as HTML, redacted; a very long text has no colours, or is cut."""
    lines = [redact_text(line) for line in text.rstrip("\n").split("\n")]
    if len(text) > MOST_COLOURED_CHARS:
        return [escape(line) for line in lines[:MOST_LINES]]
    # What the formatter has begun it ends on the same line.
    return [mark_safe(line) for line in _coloured("\n".join(lines)).rstrip("\n").split("\n")]  # noqa: S308 - coloured


def _coloured(text: str) -> SafeString:
    coloured: str = highlight(text, YamlLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return mark_safe(coloured)  # noqa: S308 - Pygments escapes what it is given
