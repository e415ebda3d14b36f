"""What a caller is told about a spec that cannot be used."""

from collections.abc import Iterable
from typing import Self

from kneo_project.errors import KneoError
from specs.language.diagnostics import Diagnostic, told


class SpecInvalid(KneoError):
    """The spec has errors."""

    code = "spec_invalid"
    status = 400

    @classmethod
    def because(cls, diagnostics: Iterable[Diagnostic]) -> Self:
        """Return the error that shows ``diagnostics``, with a message that counts the errors among them."""
        shown = list(diagnostics)
        count = sum(diagnostic.is_error for diagnostic in shown)
        message = "The spec has an error." if count == 1 else f"The spec has {count} errors."
        return cls(message, diagnostics=told(shown))


class SpecPathConfined(KneoError):
    """A spec path must lie inside the directory for specs, and must not contain `~` or `..`."""

    code = "spec_path_confined"
    status = 422


class EnvironmentPolicyBlocked(KneoError):
    """The environment does not accept this spec."""

    code = "environment_policy_blocked"
    status = 403

    @classmethod
    def because(cls, environment: str, diagnostics: Iterable[Diagnostic]) -> Self:
        """Return the error that shows why ``environment`` does not accept a spec."""
        shown = [
            {key: value for key, value in public.items() if key != "suggestion"} for public in told([*diagnostics])
        ]
        return cls(f"The environment {environment!r} does not accept this spec.", diagnostics=shown)


class ProjectConfigInvalid(KneoError):
    """The settings of the project are wrong."""

    code = "project_config_invalid"
    status = 400
