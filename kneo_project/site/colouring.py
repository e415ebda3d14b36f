"""Documents as YAML with coloured syntax, redacted. The colours are classes of ``kneo/code.css``."""

import yaml
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import YamlLexer

from kneo_project.redaction import redact
from kneo_project.site.showing import MOST_CHARS, NOTHING

WIDTH = 110


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


def _coloured(text: str) -> SafeString:
    coloured: str = highlight(text, YamlLexer(), HtmlFormatter(nowrap=True))
    return mark_safe(coloured)  # noqa: S308 - Pygments escapes what it is given
