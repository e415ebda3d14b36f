"""Bundles: what was signed verifies, and nothing else."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from specs.language.bundles import Approval, sign, verify
from specs.language.diagnostics import SpecError
from tests.corpus import ROOT
from tests.unit.specs.factories import document

VECTOR = json.loads((ROOT / "bundle-vector.json").read_text())
KEY_ID = "KNEO_SERV_SPEC_SIGNING_KEY"
ADA = Approval(approved_by="ada", environment="prod", created_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))


def signed(data: dict[str, Any] | None = None) -> dict[str, Any]:
    return sign(data or document(), ADA, key="k1", key_id=KEY_ID)


def test_the_published_bundle_verifies() -> None:
    verdict = verify(VECTOR["bundle"], key=VECTOR["signing_key"])

    assert verdict.as_dict() == {"valid": True, "digest_valid": True, "signature_valid": True, "errors": []}


def test_signing_the_published_spec_gives_the_published_bundle() -> None:
    assert signed(VECTOR["bundle"]["spec"]) == VECTOR["bundle"]


def test_a_legacy_spec_is_signed_as_v1_with_its_shorthands() -> None:
    spec = signed({"root_agent": {"name": "old", "model": "m"}})["spec"]

    assert spec["version"] == "v1"
    assert spec["agent"] == {"name": "old", "model": "m"}


def test_an_invalid_spec_is_not_signed() -> None:
    with pytest.raises(SpecError) as caught:
        signed({"version": "v1"})

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E_SCHEMA"]


def test_a_changed_spec_shows_in_both_seals() -> None:
    bundle = signed()
    bundle["spec"]["agent"]["name"] = "other"

    verdict = verify(bundle, key="k1")

    assert (verdict.digest_valid, verdict.signature_valid, len(verdict.errors)) == (False, False, 2)


@pytest.mark.parametrize(
    "change",
    [{"metadata": {"approved_by": "mallory"}}, {"note": "added"}, {"digest": {"algorithm": "MD5"}}],
    ids=["approval", "addition", "digest"],
)
def test_any_change_breaks_the_signature(change: dict[str, Any]) -> None:
    assert verify(signed() | change, key="k1").signature_valid is False


def test_another_key_does_not_verify() -> None:
    verdict = verify(signed(), key="k2")

    assert (verdict.digest_valid, verdict.signature_valid, verdict.is_valid) == (True, False, False)


@pytest.mark.parametrize("signature", [None, [], "x", {"value": 5}, {"value": "\N{SNOWMAN}"}, {}])
def test_a_signature_of_any_other_form_is_bad(signature: object) -> None:
    assert verify(signed() | {"signature": signature}, key="k1").signature_valid is False


def test_what_is_no_bundle_is_told_in_order() -> None:
    verdict = verify({"kind": "other", "version": 2, "spec": "text"}, key="k1")

    assert (verdict.digest_valid, verdict.signature_valid) == (False, False)
    assert [error.split(":")[0] for error in verdict.errors] == [
        "This is not a bundle",
        "The version of the bundle is not v1.",
        "The bundle holds no spec.",
    ]
