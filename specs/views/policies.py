"""What environments demand of the specs that are run in them."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidRequest, Problem, RequestInvalid
from specs import policies
from specs.language.policy import EnvironmentPolicy
from specs.policies import LONGEST_NAME
from specs.serializers import (
    PolicyListSerializer,
    PolicyPreviewSerializer,
    PolicyRequestSerializer,
    StoredPolicySerializer,
    policy_in,
)


class PoliciesView(ApiView):
    """All environments with demands."""

    required_scope = "policies:read"

    @extend_schema(tags=["policies"], responses={200: PolicyListSerializer, **refusals("policies:read")})
    def get(self, _request: Request) -> Response:
        """List the policies."""
        stored = {name: policy.model_dump() for name, policy in policies.policies().items()}
        return Response({"policies": stored, "count": len(stored)})


class PolicyView(ApiView):
    """The demands of one environment."""

    required_scopes = {"GET": "policies:read", "PUT": "policies:write"}

    @extend_schema(tags=["policies"], responses={200: StoredPolicySerializer, **refusals("policies:read")})
    def get(self, _request: Request, environment: str) -> Response:
        """Show a policy; there is none where nothing is demanded."""
        return Response(_shown(environment, policies.policy_of(_named(environment))))

    @extend_schema(
        tags=["policies"],
        request=PolicyRequestSerializer,
        responses={200: StoredPolicySerializer, **refusals("policies:write", InvalidRequest(), missing("body"))},
    )
    def put(self, request: Request, environment: str) -> Response:
        """Replace a policy, whole."""
        policy = policy_in(self.read_body(request, PolicyRequestSerializer))
        previous = policies.replace_policy(_named(environment), policy, actor=actor_of(request))
        return Response(_shown(environment, policy, previous))


class PolicyPreviewView(ApiView):
    """A change of demands, tried out."""

    required_scope = "policies:read"

    @extend_schema(
        tags=["policies"],
        request=PolicyRequestSerializer,
        responses={200: PolicyPreviewSerializer, **refusals("policies:read", InvalidRequest(), missing("body"))},
    )
    def post(self, request: Request, environment: str) -> Response:
        """Return which of the newest runs a policy would judge otherwise. Nothing is stored."""
        policy = policy_in(self.read_body(request, PolicyRequestSerializer))
        return Response(asdict(policies.preview_policy(_named(environment), policy)))


def _named(environment: str) -> str:
    if len(environment) > LONGEST_NAME:
        message = f"The name of an environment has at most {LONGEST_NAME} characters"
        raise RequestInvalid([Problem(type="string_too_long", loc=("path", "environment"), msg=message)])
    return environment


def _shown(
    environment: str, policy: EnvironmentPolicy | None, previous: EnvironmentPolicy | None = None
) -> dict[str, object]:
    return {
        "environment": environment,
        "policy": policy and policy.model_dump(),
        "previous_policy": previous and previous.model_dump(),
    }
