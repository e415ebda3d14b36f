"""Takes secrets and personal data out of what leaves the service: answers, logs, audit events, previews.

Total and idempotent: any value may be given, nothing is raised, and what was redacted stays as it is. What the engine
resumes from is never redacted; redaction happens at the exits. Secrets are known by their names and shapes, and those
that this process has used by what they are.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from threading import Lock

REDACTED = "[REDACTED]"
REDACTED_EMAIL = "[REDACTED_EMAIL]"
REDACTED_SSN = "[REDACTED_SSN]"
TRUNCATED = "...[truncated]"
HIDDEN_PATH = "[PATH]"

_MAX_DEPTH = 150
_MAX_PASSES = 4
# fmt: off
_SENSITIVE_TERMS = (
    "api_key", "apikey", "authorization", "bearer", "ca_bundle", "client_cert", "client_key", "cookie", "credential",
    "password", "passwd", "private_key", "refresh_token", "secret", "session", "set_cookie", "token", "email", "ssn",
    "social_security",
)
# Counts and labels whose names only look sensitive.
_HARMLESS_KEYS = frozenset({
    "input_tokens", "output_tokens", "total_tokens", "prompt_tokens", "completion_tokens", "token_usage", "usage",
    "tokens_input_total", "tokens_output_total", "tokens_total", "session_id",
})
_HARMLESS_ENDS = frozenset({"budget", "count", "limit", "type"})
# Words that only begin or end like a sensitive one.
_HARMLESS_WORDS = frozenset({
    "tokens", "tokenizer", "tokenizers", "secretary", "secretaries", "passwordless", "obsession", "obsessions",
})
# fmt: on
_TERMS = tuple(tuple(term.split("_")) for term in _SENSITIVE_TERMS)
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


def redact(value: object) -> object:
    """Return ``value`` as plain JSON-like data without secrets.

    The value under a sensitive key is replaced whole, null included; every other text is searched. Dataclasses become
    objects, sets and tuples become lists, and any other object becomes its text.
    """
    return _redact(value, 0, {})


def _redact(value: object, depth: int, seen: dict[str, str]) -> object:
    """Redact ``value``; ``seen`` are the texts of the same value so far: an answer repeats most of its texts."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _MAX_DEPTH:
        return REDACTED
    if isinstance(value, str):
        return _redact_repeated(str(value), seen)
    if is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _redact_member(key, inner, depth, seen) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return [_redact(inner, depth + 1, seen) for inner in value]
    return _redact_repeated(str(value), seen)


def _redact_member(key: object, value: object, depth: int, seen: dict[str, str]) -> object:
    return REDACTED if is_sensitive_key(str(key)) else _redact(value, depth + 1, seen)


def _redact_repeated(text: str, seen: dict[str, str]) -> str:
    redacted = seen.get(text)
    if redacted is None:
        redacted = seen[text] = redact_text(text)
    return redacted


@lru_cache(maxsize=4096)
def is_sensitive_key(key: str) -> bool:
    """Whether the value under ``key`` is a secret or personal data, by the key's words in any spelling."""
    words = tuple(_BETWEEN_WORDS.sub("_", _WORD_STARTS.sub("_", key).lower()).strip("_").split("_"))
    if "_".join(words) in _HARMLESS_KEYS or words[-1] in _HARMLESS_ENDS:
        return False
    return any(_occurs(term, words) or _is_fused(term, words) for term in _TERMS)


def _occurs(term: tuple[str, ...], words: tuple[str, ...]) -> bool:
    size = len(term)
    plural = (*term[:-1], term[-1] + "s") if size > 1 else term
    return any(words[start : start + size] in (term, plural) for start in range(len(words) - size + 1))


def _is_fused(term: tuple[str, ...], words: tuple[str, ...]) -> bool:
    fused = "".join(term)
    return any(word.startswith(fused) or word.endswith(fused) for word in words if word not in _HARMLESS_WORDS)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a kind of secret looks like. A text without any of the (lower-case) ``hints`` is not searched for it."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str] = REDACTED


def _keep_scheme(match: re.Match[str]) -> str:
    return f"{match[match.lastindex or 0]} {REDACTED}"


# Every pattern is linear in the length of the text: it can start only where a run of its own characters starts.
_RULES = (
    _Rule(("-----begin",), re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)),
    _Rule(("://",), re.compile(r"""(?<=://)[^\s/"'<>]*@"""), f"{REDACTED}@"),
    _Rule(("@",), re.compile(r"(?<![\w.%+-])[\w.%+-]++@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}"), REDACTED_EMAIL),
    _Rule(("-",), re.compile(r"(?<![0-9])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9])"), REDACTED_SSN),
    _Rule(
        ("cookie",),
        re.compile(r"\b((?:set-)?cookie)[ \t]*[:=][ \t]*+[^\r\n]+", re.IGNORECASE),
        rf"\1: {REDACTED}",
    ),
    _Rule(
        ("bearer", "basic", "digest", "negotiate", "ntlm", "token"),
        re.compile(
            r"""\b(?:
                (digest)[ \t]++\w+=[^\r\n]*
              | (bearer|basic|digest)[ \t]++[^\s,;"'<>\[\]]+
              | (negotiate|ntlm|token)[ \t]++(?=[a-z]*[0-9+/=_.~-]|[a-z]{20})[a-z0-9+/=_.~-]{8,}
            )""",
            re.IGNORECASE | re.VERBOSE,
        ),
        _keep_scheme,
    ),
    _Rule(
        ("sk", "rk_", "aiza", "eyj", "akia", "asia", "gh", "xox", "glpat-", "hf_", "kneo_", "whsec_"),
        re.compile(
            r"""(?<![A-Za-z0-9])(?:
                sk-[\w-]{12,}
              | [sr]k_(?:live|test)_\w{10,}
              | AIza[\w-]{35}
              | eyJ[\w-]+\.[\w-]+\.[\w-]*
              | (?:AKIA|ASIA)[A-Z0-9]{16}
              | gh[pousr]_[A-Za-z0-9]{36,}
              | github_pat_\w{22,}
              | xox[a-z]-[A-Za-z0-9-]{10,}
              | glpat-[\w-]{12,}
              | hf_[A-Za-z0-9]{20,}
              | kneo_[0-9a-f]{8}_[\w-]{20,}
              | whsec_[A-Za-z0-9+/=]{20,}
            )""",
            re.VERBOSE | re.ASCII,
        ),
    ),
    _Rule(
        ("passw", "secret", "credential", "key", "authorization", "token"),
        re.compile(
            r"""(?<![\w-])(
                [\w-]*?(?:passwords?|passwd|secrets?|credentials?|api[_-]?keys?)
              | authorization
              | token
              | (?:access|refresh|client|secret|private|auth|session|bearer|api)[_-]?(?:token|key)
            )
            [ \t]*[:=]{1,2}[ \t]*
            (?:(?:bearer|basic|digest|negotiate|ntlm|token)[ \t]+)?
            (?:"(?:\\.|[^"\\])*"? | '(?:\\.|[^'\\])*'? | [^\s,;&"']+)""",
            re.IGNORECASE | re.VERBOSE | re.DOTALL,
        ),
        rf"\1={REDACTED}",
    ),
)
# A quote may itself be escaped: JSON within a JSON text.
_QUOTED_KEY = re.compile(r"""(?<!\\)(\\*["'])([\w .-]{1,64})\1\s*[:=]\s*""")
_QUOTED_VALUE = re.compile(r"""(\\*["'])(?:(?!\1)(?:\\.|[^\\]))*+(?:\1|\Z|(?=\\\Z))|[^\s,}\[\]{]+""", re.DOTALL)
# Shorter ones are words that occur anyway.
_MIN_MASKED_CHARS = 8
_masked: tuple[str, ...] = ()
_masking = Lock()
_ABSOLUTE_PATH = re.compile(r"(?<![\w:/.~-])(?:/[\w.@+-]+){2,}/?")


def mask(secret: str) -> None:
    """Redact ``secret`` from now on wherever it appears, unless it is too short to be told from a word."""
    global _masked  # noqa: PLW0603 - what a process knows, it knows everywhere
    if len(secret) < _MIN_MASKED_CHARS or secret in _masked or secret in REDACTED:
        return
    with _masking:
        _masked = tuple(sorted({*_masked, secret}, key=len, reverse=True))


def masked_count() -> int:
    """Return how many secrets are masked by now; it grows, so what was redacted under the same count stays redacted."""
    return len(_masked)


def redact_text(text: str) -> str:
    """Return ``text`` without the secrets and personal data that can be recognised in it."""
    for _ in range(_MAX_PASSES):
        redacted = _redact_text_once(text)
        if redacted == text:
            break
        text = redacted
    return text


def _redact_text_once(text: str) -> str:
    for secret in _masked:
        text = text.replace(secret, REDACTED)
    lowered = text.lower()
    text = _redact_quoted_pairs(text)
    for rule in _RULES:
        if any(hint in lowered for hint in rule.hints):
            text = rule.pattern.sub(rule.replacement, text)
    return text


def _redact_quoted_pairs(text: str) -> str:
    """Replace ``"password": "two words"`` within its quotes, so that JSON stays JSON."""
    pieces: list[str] = []
    done = 0
    for key in _QUOTED_KEY.finditer(text):
        if key.start() < done or not is_sensitive_key(key[2]):
            continue
        if value := _QUOTED_VALUE.match(text, key.end()):
            quote = value[1] or key[1]
            pieces += (text[done : key.end()], quote, REDACTED, quote)
            done = value.end()
    return "".join((*pieces, text[done:]))


def preview(text: str, limit: int = 500) -> str:
    """Return the redacted ``text``, cut after ``limit`` characters: redacted first, so that no half secret stays."""
    redacted = redact_text(text)
    return redacted if len(redacted) <= limit else redacted[:limit] + TRUNCATED


def hide_paths(text: str) -> str:
    """Return ``text`` with absolute file-system paths replaced; URLs stay."""
    return _ABSOLUTE_PATH.sub(HIDDEN_PATH, text)
