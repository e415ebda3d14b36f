"""A text that somebody wrote, line by line: numbered, coloured, so that remarks find their line."""

from django.utils.html import escape
from django.utils.safestring import SafeString
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import YamlLexer

from kneo_project.redaction import redact_text

# Colouring takes a second for a million characters, and nobody reads so many.
MOST_COLOURED_CHARS = 100_000
MOST_LINES = 3_000


def numbered_lines(text: str) -> list[SafeString]:
    """Return the lines of a YAML or JSON text as HTML, redacted; a very long text has no colours, or is cut.

    The colours are classes of ``kneo/code.css``.
    """
    lines = [redact_text(line) for line in text.rstrip("\n").split("\n")]
    if len(text) <= MOST_COLOURED_CHARS:
        # The formatter escapes all text, and ends what it has begun on the same line.
        lexer, formatter = YamlLexer(stripnl=False), HtmlFormatter(nowrap=True)
        return [SafeString(line) for line in highlight("\n".join(lines), lexer, formatter).rstrip("\n").split("\n")]
    return [SafeString(escape(line)) for line in lines[:MOST_LINES]]
