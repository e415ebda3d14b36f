"""Texts with colours: each line as HTML. What somebody keeps secret must be out of the text before."""

from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.data import JsonLexer, YamlLexer

# Colouring takes a second for a million characters, and nobody reads so many.
MOST_COLOURED_CHARS = 100_000
MOST_LINES = 3_000
_LEXERS: dict[str, Any] = {"yaml": YamlLexer(stripnl=False), "json": JsonLexer(stripnl=False)}
_FORMATTER: Any = HtmlFormatter(nowrap=True, classprefix="kneo-c-")


def coloured_lines(text: str, language: str) -> list[SafeString]:
    """Return the lines of a ``yaml`` or ``json`` text as HTML; a very long one is cut, or has no colours."""
    if len(text) > MOST_COLOURED_CHARS:
        return [SafeString(escape(line)) for line in text.split("\n")[:MOST_LINES]]
    # The formatter escapes all text, and ends what it has begun on the same line.
    coloured = highlight(text, _LEXERS[language], _FORMATTER)
    return [SafeString(line) for line in coloured.rstrip("\n").split("\n")[:MOST_LINES]]


def coloured(text: str, language: str) -> SafeString:
    """Return a text with colours and numbered lines."""
    lines = format_html_join("", "<li>{}</li>", ((line or " ",) for line in coloured_lines(text, language)))
    return format_html('<ol class="kneo-code" tabindex="0">{}</ol>', lines)
