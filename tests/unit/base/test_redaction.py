"""Secrets do not leave: by key, and by what a text looks like."""

import json
from dataclasses import dataclass
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kneo_project.redaction import hide_paths, is_sensitive_key, mask, preview, redact, redact_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-123"


@pytest.mark.parametrize(
    "key",
    [
        "api_key", "apiKey", "X-Api-Key", "APIKey", "api_keys", "apikey", "authorization", "bearer", "ca_bundle",
        "client_cert", "clientKey", "cookie", "set-cookie", "credentials", "password", "passwords", "db_password",
        "passwd", "private_key", "refresh_tokens", "refreshtoken", "secret", "clientSecret", "session", "sessiontoken",
        "token", "access_token", "email", "userEmail", "ssn", "social_security", "social-security-number",
    ],
)  # fmt: skip
def test_a_sensitive_key_is_recognised_in_any_spelling(key: str) -> None:
    assert is_sensitive_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "input_tokens", "output_tokens", "total_tokens", "prompt_tokens", "completion_tokens", "token_usage", "usage",
        "tokens_input_total", "tokens_output_total", "tokens_total", "trace_event_count", "tokens", "max_tokens",
        "author", "author_id", "primary_key", "keyring", "session_id", "sessionId", "name", "", "___",
        "token_budget", "tokenType", "tokenizer", "secretary", "passwordless", "obsession", "cookie_count",
        "email_count",
    ],
)  # fmt: skip
def test_a_harmless_key_is_left_alone(key: str) -> None:
    assert not is_sensitive_key(key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jo.doe+x@mail.example.org now", "write to [REDACTED_EMAIL] now"),
        ("ssn 123-45-6789.", "ssn [REDACTED_SSN]."),
        ("Cookie: a=b; c=d\nnext", "Cookie: [REDACTED]\nnext"),
        ("Set-Cookie: a=b; HttpOnly", "Set-Cookie: [REDACTED]"),
        ("sent Bearer abc.def", "sent Bearer [REDACTED]"),
        ("sent basic dXNlcjpwYXNz", "sent basic [REDACTED]"),
        ('Digest username="u", response="r"', "Digest [REDACTED]"),
        ("Negotiate YIIJvwYGKwYBBQU9", "Negotiate [REDACTED]"),
        ("Token bucket algorithm", "Token bucket algorithm"),
        ("key sk-abcdefghijkl", "key [REDACTED]"),
        ("task-abcdefghijklmn", "task-abcdefghijklmn"),
        ("g AIza" + "x" * 35, "g [REDACTED]"),
        (f"jwt {JWT}!", "jwt [REDACTED]!"),
        ("aws AKIAABCDEFGHIJKLMNOP", "aws [REDACTED]"),
        ("gh ghp_" + "a" * 36, "gh [REDACTED]"),
        ("gh github_pat_" + "a" * 22, "gh [REDACTED]"),
        ("slack xoxb-1234567890-abc", "slack [REDACTED]"),
        ("gitlab glpat-abcdefghijklmnopqrst", "gitlab [REDACTED]"),
        ("hub hf_abcdefghijklmnopqrst", "hub [REDACTED]"),
        ("password: hunter2, next", "password=[REDACTED], next"),
        ("DB_PASSWORD=hunter2&x=1", "DB_PASSWORD=[REDACTED]&x=1"),
        ("x-api-key: abc", "x-api-key=[REDACTED]"),
        ("token=abc; y", "token=[REDACTED]; y"),
        ("tokens=12", "tokens=12"),
        ("Authorization: Bearer abc", "Authorization=[REDACTED]"),
        ("password='two words' z", "password=[REDACTED] z"),
        ('{"password": "two \\" words", "b": 1}', '{"password": "[REDACTED]", "b": 1}'),
        ('{"pin": 1, "secret": 42}', '{"pin": 1, "secret": "[REDACTED]"}'),
        ('{"a": "{\\"password\\": \\"x y\\"}"}', '{"a": "{\\"password\\": \\"[REDACTED]\\"}"}'),
        ('{"session_id": "chat-1"}', '{"session_id": "chat-1"}'),
        ("postgresql://user:p@ss@db:5432/x", "postgresql://[REDACTED]@db:5432/x"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- z", "[REDACTED] z"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "[REDACTED]"),
        ("nothing to hide", "nothing to hide"),
    ],
)  # fmt: skip
def test_secrets_in_a_text_are_replaced_and_the_rest_stays(text: str, expected: str) -> None:
    assert redact_text(text) == expected


def test_the_value_under_a_sensitive_key_is_replaced_whatever_it_is() -> None:
    assert redact({"token": None, "secrets": {"a": 1}, "n": [{"password": 3}], "ok": 1.5}) == {
        "token": "[REDACTED]",
        "secrets": "[REDACTED]",
        "n": [{"password": "[REDACTED]"}],
        "ok": 1.5,
    }


def test_dataclasses_sets_tuples_and_other_objects_become_plain_data() -> None:
    @dataclass
    class Login:
        name: str
        password: str

    assert redact((Login("jo", "x"), {"b", "a"}, b"x")) == [
        {"name": "jo", "password": "[REDACTED]"},
        ["a", "b"],
        "b'x'",
    ]


def test_a_value_that_contains_itself_ends() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "[REDACTED]" in json.dumps(redact(loop))


def test_a_preview_is_redacted_before_it_is_cut() -> None:
    assert preview("x" * 495 + " sk-abcdefghijklmnop") == "x" * 495 + " [RED...[truncated]"
    assert preview("short") == "short"


def test_paths_are_hidden_and_urls_stay() -> None:
    assert hide_paths("open /srv/app/x.py, see https://example.org/a/b") == "open [PATH], see https://example.org/a/b"


FRAGMENTS = st.sampled_from(
    [
        "Bearer ", "password", "token", "=", ": ", '"', "'", "\\", "a@b.co", "://", "@", "sk-abcdefghijkl",
        "123-45-6789", "Cookie:", "\n", " ", JWT, "[REDACTED]", "{", "}", ",", "digest ", "x=1", "-----BEGIN KEY-----",
        "é",
    ]
)  # fmt: skip
TEXTS = st.text() | st.lists(FRAGMENTS, max_size=12).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(TEXTS)
def test_redacting_a_text_twice_changes_nothing(text: str) -> None:
    assert redact_text(redact_text(text)) == redact_text(text)


@given(VALUES)
def test_redacting_a_value_twice_changes_nothing(value: object) -> None:
    assert redact(redact(value)) == redact(value)


@given(st.text(alphabet="ab12_-", min_size=1, max_size=30))
def test_a_quoted_password_never_survives(secret: str) -> None:
    marked = f"zq{secret}qz"
    assert marked not in redact_text(json.dumps({"note": json.dumps({"db_password": f"{marked} {marked}"})}))


@pytest.mark.parametrize(
    "unit", ["a", "a.", "a@", "eyJ", "sk-", "://", 'password"', '"a":', "\\", "token ", "- ", '\\"']
)
def test_hostile_texts_take_linear_time(unit: str) -> None:
    started = perf_counter()
    redact_text(unit * 50_000)
    assert perf_counter() - started < 3


def test_a_secret_that_was_used_is_masked_wherever_it_appears() -> None:
    secret = "plain-looking-words-7f3a"
    assert redact_text(f"it said {secret}!") == f"it said {secret}!"
    mask(secret)
    assert redact({"said": [f"x{secret}y"]}) == {"said": ["x[REDACTED]y"]}


def test_a_short_secret_does_not_shred_texts() -> None:
    mask("admin")
    assert redact_text("the admin said") == "the admin said"
