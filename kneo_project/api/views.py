"""What every API view shares: the order of checks, and how a body is read."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from kneo_project.api.permissions import Scopes, scopes_needed
from kneo_project.api.serializers import StrictSerializer
from kneo_project.errors import Problem, RequestInvalid, UnknownQueryParameters


class ApiView(APIView):
    """A route: method, then key, then scope, then unknown query parameters, then everything else.

    A view declares ``required_scope`` (or ``required_scopes`` per method; None is public) and ``query_parameters``.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    required_scope: Scopes
    required_scopes: Mapping[str, Scopes] | None = None
    query_parameters: frozenset[str] = frozenset()

    @property
    def default_response_headers(self) -> dict[str, str]:
        """No header by default: ``Allow`` belongs to a 405."""
        return {}

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Refuse what is not for this route, in the order of the contract."""
        if request.method not in self.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)
        if scopes_needed(self, request.method):
            self._refuse_unknown_query_parameters(request)
        if any("\0" in str(value) for value in kwargs.values()):
            raise Http404

    def read_body[S: StrictSerializer](self, request: Request, serializer: type[S]) -> dict[str, Any]:
        """Return the validated body.

        Raises:
            RequestInvalid: there is none, it is not JSON, or it does not fit ``serializer``.
        """
        if request.stream is None:
            raise RequestInvalid([Problem(type="missing", loc=("body",), msg="Field required")])
        checked = serializer(data=request.data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def _refuse_unknown_query_parameters(self, request: Request) -> None:
        unknown = sorted(set(request.query_params) - self.query_parameters)
        if unknown:
            raise UnknownQueryParameters(
                f"Unknown query parameters. This route knows: {', '.join(sorted(self.query_parameters)) or 'none'}.",
                unknown=unknown,
            )
