"""Bundles: a spec that somebody approved, sealed so that any change to it or to the approval shows."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from specs.language.checking import examine
from specs.language.diagnostics import SpecError
from specs.language.migrating import migrate

KIND = "kneo.spec.bundle"
VERSION = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who vouches for a spec, for which environment, and the moment, which has a time zone."""

    approved_by: str
    environment: str | None
    created_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """Return the public form, the moment in UTC."""
        moment = self.created_at.astimezone(UTC).isoformat()
        return {"approved_by": self.approved_by, "environment": self.environment, "created_at": moment}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a bundle is what was signed; ``errors`` are sentences."""

    digest_valid: bool
    signature_valid: bool
    errors: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with the bundle."""
        return not self.errors

    def as_dict(self) -> dict[str, Any]:
        """Return the public form."""
        return {
            "valid": self.is_valid,
            "digest_valid": self.digest_valid,
            "signature_valid": self.signature_valid,
            "errors": list(self.errors),
        }


def sign(data: Mapping[str, Any], approval: Approval, *, key: str, key_id: str) -> dict[str, Any]:
    """Return the bundle of the document ``data``, as v1 and with its shorthands as they were written.

    Args:
        data: the document, of any known version.
        approval: who vouches for it.
        key: the secret.
        key_id: the public name of the secret: that of its environment variable.

    Raises:
        SpecError: the document is not a valid spec; nobody should vouch for one that cannot be used.
    """
    if errors := examine(data).errors:
        raise SpecError(errors)
    spec = migrate(data).data
    bundle = {
        "kind": KIND,
        "version": VERSION,
        "metadata": approval.as_dict(),
        "spec": spec,
        "digest": {"algorithm": "SHA256", "value": _digest(spec)},
    }
    return bundle | {"signature": {"algorithm": "HMAC-SHA256", "key_id": key_id, "value": _signature(bundle, key)}}


def verify(bundle: Mapping[str, Any], *, key: str) -> Verdict:
    """Return whether ``bundle``, any mapping of what JSON can carry, is what the holder of ``key`` signed."""
    spec = bundle.get("spec")
    errors = list(_unknown_form(bundle))
    if not isinstance(spec, Mapping):
        return Verdict(digest_valid=False, signature_valid=False, errors=(*errors, "The bundle holds no spec."))
    digest_valid = _is_same(_value(bundle, "digest"), _digest(spec))
    unsigned = {name: value for name, value in bundle.items() if name != "signature"}
    signature_valid = _is_same(_value(bundle, "signature"), _signature(unsigned, key))
    if not digest_valid:
        errors.append("The digest is not that of the spec: the spec was changed.")
    if not signature_valid:
        errors.append("The signature does not fit: the bundle was changed, or signed with another key.")
    return Verdict(digest_valid=digest_valid, signature_valid=signature_valid, errors=tuple(errors))


def _unknown_form(bundle: Mapping[str, Any]) -> Iterator[str]:
    if bundle.get("kind") != KIND:
        yield f"This is not a bundle: `kind` is not {KIND}."
    if bundle.get("version") != VERSION:
        yield f"The version of the bundle is not {VERSION}."


def _value(bundle: Mapping[str, Any], name: str) -> object:
    block = bundle.get(name)
    return block.get("value") if isinstance(block, Mapping) else None


def _is_same(presented: object, computed: str) -> bool:
    return isinstance(presented, str) and hmac.compare_digest(presented.encode("utf-8", "replace"), computed.encode())


def _digest(spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(spec)).hexdigest()


def _signature(unsigned: Mapping[str, Any], key: str) -> str:
    return hmac.new(key.encode(), _canonical(unsigned), hashlib.sha256).hexdigest()


def _canonical(value: Mapping[str, Any]) -> bytes:
    """Return the one way to write ``value`` as bytes that both sides of a signature agree on."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
