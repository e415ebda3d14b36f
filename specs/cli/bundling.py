"""``bundle sign`` and ``bundle verify``: a spec sealed with an approval."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kneo_project.cli.output import say, show_json
from kneo_project.errors import InvalidRequest
from specs.cli.options import AsJson, KeyVariable
from specs.cli.output import Status, failures_told, write
from specs.language.bundles import Approval, sign, verify
from specs.language.diagnostics import SpecSyntaxError
from specs.language.parsing import load
from specs.sources import read_named

KEY_VARIABLE = "KNEO_SERV_SPEC_SIGNING_KEY"

BundlePath = Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle file.")]


def sign_spec(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A spec file, sealed as it is: without overlays.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle file to write.")],
    approved_by: Annotated[str, typer.Option("--approved-by", metavar="WHO", help="Who vouches for the spec.")],
    environment: Annotated[str | None, typer.Option("--env", help="The environment it is approved for.")] = None,
    key_variable: KeyVariable = KEY_VARIABLE,
    as_json: AsJson = False,
) -> None:
    """Seal a valid spec together with who approved it."""
    if not approved_by.strip():
        raise typer.BadParameter("Name who vouches for the spec.", param_hint="--approved-by")
    approval = Approval(approved_by=approved_by, environment=environment, created_at=datetime.now(UTC))
    with failures_told(as_json=as_json):
        data = load(read_named(path), name=path).data
        bundle = sign(data, approval, key=_key(key_variable), key_id=key_variable)
        write(json.dumps(bundle, indent=2, sort_keys=True, ensure_ascii=False) + "\n", output)
    seal = {"algorithm": bundle["signature"]["algorithm"], "key_id": key_variable}
    if as_json:
        show_json({"output": str(output), "digest": bundle["digest"]["value"], "signature": seal})
    else:
        say(f"Wrote {output}, digest {bundle['digest']['value']}.")


def verify_bundle(path: BundlePath, *, key_variable: KeyVariable = KEY_VARIABLE, as_json: AsJson = False) -> None:
    """Say whether a bundle is what was signed."""
    with failures_told(as_json=as_json):
        try:
            bundle = load(read_named(path), name="bundle.json").data
        except SpecSyntaxError as error:
            raise InvalidRequest(f"{path} is not a bundle: {error}") from None
        verdict = verify(bundle, key=_key(key_variable))
    if as_json:
        show_json(verdict.as_dict())
    else:
        for sentence in verdict.errors:
            say(sentence)
        say(f"{path}: {'verified' if verdict.is_valid else 'not what was signed'}")
    raise typer.Exit(Status.FINE if verdict.is_valid else Status.NOT_FINE)


def _key(variable: str) -> str:
    key = os.environ.get(variable)
    if not key:
        raise InvalidRequest(f"The environment variable {variable} is to hold the signing key, and is not set.")
    return key
