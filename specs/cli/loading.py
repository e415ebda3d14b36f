"""One spec file, resolved for its environment."""

from typing import Any

from kneo_project.errors import InvalidRequest
from specs.cli.options import named_paths, open_setting
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid
from specs.file_checks import FileCheck, check_file
from specs.language.checking import Examination
from specs.language.schema import Spec
from specs.setting import Setting


def open_spec(path: str | None, project_file: str | None, environment: str | None) -> tuple[FileCheck, Examination]:
    """Return the verdict on the spec at ``path``, by default the project's, and what was examined.

    Raises:
        InvalidRequest: there is no such file, or the project cannot be used.
        SpecInvalid: the text is not a readable document.
        EnvironmentPolicyBlocked: the environment does not accept the spec.
    """
    return _opened(path, open_setting(project_file, environment))


def open_valid_spec(path: str | None, project_file: str | None, environment: str | None) -> tuple[FileCheck, Spec]:
    """Return the verdict on the spec at ``path`` and the spec.

    Raises:
        KneoError: as ``open_spec``, and SpecInvalid when it has errors.
    """
    check, examination = open_spec(path, project_file, environment)
    if examination.spec is None or examination.errors:
        raise SpecInvalid.because(check.diagnostics)
    return check, examination.spec


def sent_spec(path: str | None, project_file: str | None, environment: str | None) -> dict[str, Any]:
    """Return the spec at ``path``, resolved for its environment, as a service is sent it.

    Raises:
        KneoError: as ``open_spec``.
    """
    setting = open_setting(project_file, environment)
    check, _ = _opened(path, setting)
    return {"spec": check.document, "environment": setting.environment}


def _opened(path: str | None, setting: Setting) -> tuple[FileCheck, Examination]:
    (named,) = named_paths([path] if path else None, setting)
    check = check_file(named, setting)
    if not check.was_found:
        raise InvalidRequest(f"{named}: {check.diagnostics[0].message}")
    if check.examination is None:
        raise SpecInvalid.because(check.diagnostics)
    if check.blocked:
        raise EnvironmentPolicyBlocked.because(setting.environment, check.blocked)
    return check, check.examination
