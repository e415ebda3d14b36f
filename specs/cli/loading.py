"""One spec file, resolved for its environment."""

from kneo_project.errors import InvalidRequest
from specs.cli.options import named_paths, open_setting
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid
from specs.file_checks import FileCheck, check_file
from specs.language.checking import Examination
from specs.language.schema import Spec


def open_spec(path: str | None, project_file: str | None, environment: str | None) -> tuple[FileCheck, Examination]:
    """Return the verdict on the spec at ``path``, by default the project's, and what was examined.

    Raises:
        InvalidRequest: there is no such file, or the project cannot be used.
        SpecInvalid: the text is not a readable document.
        EnvironmentPolicyBlocked: the environment does not accept the spec.
    """
    setting = open_setting(project_file, environment)
    (named,) = named_paths([path] if path else None, setting)
    check = check_file(named, setting)
    if not check.was_found:
        raise InvalidRequest(f"{named}: {check.diagnostics[0].message}")
    if check.examination is None:
        raise SpecInvalid.because(check.diagnostics)
    if check.blocked:
        raise EnvironmentPolicyBlocked.because(setting.environment, check.blocked)
    return check, check.examination


def open_valid_spec(path: str | None, project_file: str | None, environment: str | None) -> tuple[FileCheck, Spec]:
    """Return the verdict on the spec at ``path`` and the spec.

    Raises:
        KneoError: as ``open_spec``, and SpecInvalid when it has errors.
    """
    check, examination = open_spec(path, project_file, environment)
    if examination.spec is None or examination.errors:
        raise SpecInvalid.because(check.diagnostics)
    return check, examination.spec
