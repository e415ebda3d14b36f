"""Questions put to people."""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec


def human_findings(spec: Spec) -> Iterator[Finding]:
    """Yield options that do not fit and roles that give too much."""
    for name, human in spec.components.humans.items():
        at: Location = ("components", "humans", name)
        if human.default_option is not None and human.default_option not in (human.options or ()):
            message = f"The default option {human.default_option!r} of {name!r} is not one of its options."
            yield Finding("E_HUMAN_DEFAULT_OPTION_NOT_IN_OPTIONS", (*at, "default_option"), message)
        if human.request_type == "selection" and not human.options:
            message = f"{name!r} asks for a selection and has no options."
            yield Finding("E_HUMAN_SELECTION_REQUIRES_OPTIONS", (*at, "options"), message, "Add `options`.")
        if human.response_role == "system":
            message = f"The answer of {name!r} is given the authority of a system prompt."
            yield Finding("W_HUMAN_RESPONSE_ROLE_SYSTEM", (*at, "response_role"), message)
