"""How operations are named in the OpenAPI document. Apart from ``openapi``, whose views need this class to be there."""

import re
from typing import cast

from drf_spectacular.openapi import AutoSchema

from kneo_project.api.permissions import ScopedView, scopes_needed


class PathSchema(AutoSchema):
    """Names each operation by its method and its whole path: no two are alike, whatever the prefix."""

    def get_operation_id(self) -> str:
        """Return a name such as ``get_v1_runs_run_id``."""
        return "_".join((self.method.lower(), *re.findall(r"\w+", self.path)))

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Return how callers say who they are; nothing for a route that answers anybody."""
        return super().get_auth() if scopes_needed(cast("ScopedView", self.view), self.method) else []
