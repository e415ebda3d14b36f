"""``kneo config profile``: names for services. A key goes in and never comes out."""

import json
import stat
from pathlib import Path

import pytest

from tests.unit.cli.commands import kneo

KEY = "kneo_12345678_a-key-that-nobody-may-see"


def set_profile(name: str, *options: str) -> None:
    assert kneo("config", "profile", "set", name, "--service-url", f"https://{name}.example/", *options).status == 0


def test_a_profile_is_kept_for_its_owner_alone(profiles: Path) -> None:
    set_profile("prod", "--api-key", KEY)

    assert json.loads(profiles.read_text()) == {
        "version": 1,
        "active": "prod",
        "profiles": {"prod": {"service_url": "https://prod.example", "api_key": KEY}},
    }
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
    assert [path.name for path in profiles.parent.iterdir()] == ["profiles.json"]


def test_a_file_that_others_could_read_is_closed_when_it_is_written(profiles: Path) -> None:
    set_profile("prod")
    profiles.chmod(0o644)

    set_profile("stage")

    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600


def test_no_command_shows_a_key() -> None:
    shown = [kneo("config", "profile", "set", "prod", "--service-url", "https://x.example", "--api-key", KEY, "--json")]
    for words in (["use", "prod"], ["list"], ["show"], ["show", "--name", "prod"]):
        shown += [kneo("config", "profile", *words), kneo("config", "profile", *words, "--json")]
    shown.append(kneo("config", "show"))

    assert not any("a-key-that" in ended.out + ended.err for ended in shown)
    assert shown[0].json == {"name": "prod", "service_url": "https://x.example", "authenticated": True}


def test_a_key_can_be_read_from_stdin(profiles: Path) -> None:
    kneo("config", "profile", "set", "prod", "--service-url", "https://x.example", "--api-key", "-", stdin=f"{KEY}\n")

    assert json.loads(profiles.read_text())["profiles"]["prod"]["api_key"] == KEY


def test_profiles_are_chosen_listed_and_deleted(profiles: Path) -> None:
    set_profile("stage")
    set_profile("prod", "--no-activate")
    assert kneo("config", "profile", "show").out == "stage: https://stage.example, without a key, active\n"

    assert kneo("config", "profile", "use", "prod", "--json").json["name"] == "prod"
    listed = kneo("config", "profile", "list", "--json").json
    assert (listed["active"], listed["path"]) == ("prod", str(profiles))
    assert [profile["name"] for profile in listed["profiles"]] == ["prod", "stage"]

    assert [kneo("config", "profile", "delete", "prod").status for _ in range(2)] == [0, 0]
    assert kneo("config", "profile", "list", "--json").json["active"] is None
    assert kneo("config", "profile", "show").status == 1


def test_a_file_without_a_version_is_read(profiles: Path) -> None:
    profiles.parent.mkdir()
    profiles.write_text('{"active": "old", "profiles": {"old": {"service_url": "http://old", "api_key": null}}}')

    assert kneo("config", "profile", "show", "--json").json["service_url"] == "http://old"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 2, "profiles": {}}', '{"profiles": {"x": {"api_key": "SECRET"}}}', "\0"]
)
def test_a_file_that_is_none_is_refused_and_left_alone(profiles: Path, text: str) -> None:
    profiles.parent.mkdir()
    profiles.write_text(text)

    ended = kneo("config", "profile", "set", "prod", "--service-url", "https://x.example", "--json")

    assert (ended.status, ended.failure["error"]) == (1, "profiles_unusable")
    assert "SECRET" not in ended.err
    assert "anew with: kneo config profile set" in ended.failure["message"]
    assert profiles.read_text() == text


def test_a_file_that_is_no_text_is_refused_likewise(profiles: Path) -> None:
    profiles.parent.mkdir()
    profiles.write_bytes(b"\xff\xfe{}")

    ended = kneo("config", "profile", "list", "--json")

    assert (ended.status, ended.failure["error"]) == (1, "profiles_unusable")
    assert "Mend it, or move it away" in ended.failure["message"]


@pytest.mark.parametrize("url", ["https://x.example/v1", "https://x.example/v1/", "https://x.example"])
def test_the_version_that_every_path_has_is_no_part_of_where_a_service_is(url: str) -> None:
    ended = kneo("config", "profile", "set", "prod", "--service-url", url, "--json")

    assert ended.json["service_url"] == "https://x.example"


@pytest.mark.parametrize("url", ["", "x", "ftp://x", "https://", "https://me:pass@x.example", "https://x.example?a=b"])
def test_what_is_no_url_of_a_service_is_refused(profiles: Path, url: str) -> None:
    ended = kneo("config", "profile", "set", "prod", "--service-url", url)

    assert (ended.status, ended.err.startswith("error: The URL of a service")) == (1, True)
    assert not profiles.exists()


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\tb"])
def test_what_is_no_key_is_refused(profiles: Path, key: str) -> None:
    assert kneo("config", "profile", "set", "p", "--service-url", "https://x.example", "--api-key", key).status == 1
    assert not profiles.exists()


@pytest.mark.parametrize("words", [["use", "ghost"], ["show", "--name", "ghost"]])
def test_a_profile_that_there_is_not_is_named(words: list[str]) -> None:
    ended = kneo("config", "profile", *words)

    assert (ended.status, ended.err) == (1, "error: There is no profile 'ghost'.\n")


@pytest.mark.parametrize("words", [[], ["profile"], ["profile", "set", "x"], ["profile", "use"], ["profile", "what"]])
def test_wrong_usage_has_a_status_of_its_own(words: list[str]) -> None:
    assert kneo("config", *words).status == 2
