"""Files that a caller names: only inside the spec root, and nothing is told about what lies outside."""

import os
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_django import Settings

from kneo_project.errors import InvalidRequest
from specs.errors import SpecInvalid, SpecPathConfined
from specs.sources import confined_path, read_document, read_text

SPEC = "version: v1\nagent: {name: root}\n"


@pytest.fixture
def root(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the spec root, ``specs`` in the working directory, with ``good.yaml``; ``secret.yaml`` is outside."""
    directory = tmp_path.resolve() / "specs"
    directory.mkdir()
    (directory / "good.yaml").write_text(SPEC)
    (tmp_path / "secret.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    settings.SPEC_ROOT = directory
    return directory


def test_a_relative_path_begins_at_the_working_directory(root: Path) -> None:
    assert read_document("specs/good.yaml").data == {"version": "v1", "agent": {"name": "root"}}
    with pytest.raises(SpecPathConfined):
        read_document("good.yaml")


def test_an_absolute_path_inside_the_root_is_read(root: Path) -> None:
    assert read_document(str(root / "good.yaml")).name == "good.yaml"


@pytest.mark.parametrize("path", ["~/good.yaml", "specs/../specs/good.yaml", "secret.yaml", "/etc/passwd", "", "a\0b"])
def test_a_path_that_leads_elsewhere_is_confined(root: Path, path: str) -> None:
    with pytest.raises(SpecPathConfined) as caught:
        read_document(path)

    assert (caught.value.code, caught.value.status) == ("spec_path_confined", 422)


def test_a_link_out_of_the_root_is_confined(root: Path) -> None:
    (root / "link.yaml").symlink_to(root.parent / "secret.yaml")

    with pytest.raises(SpecPathConfined):
        read_document("specs/link.yaml")


def test_a_link_within_the_root_is_followed(root: Path) -> None:
    (root / "link.yaml").symlink_to(root / "good.yaml")

    assert read_document("specs/link.yaml").data["version"] == "v1"


@pytest.mark.parametrize("path", ["specs/missing.yaml", "specs", "specs/pipe.yaml", "specs/" + "x" * 300])
def test_what_is_no_readable_file_is_an_invalid_request_that_names_no_path(root: Path, path: str) -> None:
    os.mkfifo(root / "pipe.yaml")

    with pytest.raises(InvalidRequest) as caught:
        read_document(path)

    assert str(root) not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"- list", b"a: [", b"\xff\xfe\x00", b"a: 1\na: 2"])
def test_an_unreadable_text_is_an_invalid_spec_with_diagnostics(root: Path, content: bytes) -> None:
    (root / "bad.yaml").write_bytes(content)

    with pytest.raises(SpecInvalid) as caught:
        read_document("specs/bad.yaml")

    (found,) = cast("list[dict[str, Any]]", caught.value.data["diagnostics"])
    assert found["code"] == "E_SYNTAX"


def test_a_file_may_begin_with_a_byte_order_mark(root: Path) -> None:
    (root / "bom.json").write_bytes(b'\xef\xbb\xbf{"version": "v1"}')

    assert read_document("specs/bom.json").data == {"version": "v1"}


@pytest.mark.parametrize("swapped", ["inner", "inner/file.yaml"])
def test_a_link_that_is_swapped_in_after_the_look_at_the_path_is_not_followed(root: Path, swapped: str) -> None:
    outside = root.parent / "outside"
    for directory in (root / "inner", outside):
        directory.mkdir()
        (directory / "file.yaml").write_text(SPEC)
    seen = confined_path("specs/inner/file.yaml")
    assert read_text(seen) == SPEC

    (root / swapped).rename(root / "moved")
    (root / swapped).symlink_to(outside if swapped == "inner" else outside / "file.yaml")

    with pytest.raises(InvalidRequest):
        read_text(seen)
