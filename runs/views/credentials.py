"""Which secrets the service has."""

import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.query import flag, read_query, storable
from kneo_project.api.views import ApiView
from kneo_project.audit.services import record
from kneo_project.redaction import REDACTED
from runs.agents.credentials import Credential, Vault
from runs.views import examples

MOST_NAMES = 100


class CredentialSerializer(serializers.Serializer[Any]):
    """One secret, never what it is."""

    name = serializers.CharField()
    env_var = serializers.CharField()
    present = serializers.BooleanField()
    value = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=["present", "missing"])
    expires_at = serializers.CharField(allow_null=True)
    last_checked = serializers.CharField(allow_null=True)


class InventorySerializer(serializers.Serializer[Any]):
    """The secrets of each kind, by name."""

    providers = serializers.DictField(child=CredentialSerializer())
    extra = serializers.DictField(child=CredentialSerializer())
    service_tokens = serializers.DictField(child=CredentialSerializer())


class CredentialInventorySerializer(serializers.Serializer[Any]):
    """Which secrets the service has."""

    inventory = InventorySerializer()


class CredentialsView(ApiView):
    """The secrets that model endpoints, tools and callers of the service need."""

    required_scope = "credentials:read"
    query_parameters = frozenset({"providers", "extras", "include_service_tokens"})

    @extend_schema(
        tags=["security"],
        parameters=[
            OpenApiParameter("providers", OpenApiTypes.STR, many=True, description="Default: the known ones."),
            OpenApiParameter("extras", OpenApiTypes.STR, many=True, description="Default: all that specs may name."),
            OpenApiParameter("include_service_tokens", OpenApiTypes.BOOL, default=True),
        ],
        responses={
            200: CredentialInventorySerializer,
            **refusals("credentials:read", missing("query", "include_service_tokens")),
        },
        examples=[examples.answer("what is there", examples.INVENTORY)],
    )
    def get(self, request: Request) -> Response:
        """Tell which secrets there are. No value is shown; a variable that specs may not name counts as missing."""
        providers, extras = _names(request, "providers"), _names(request, "extras")
        tokens = read_query({"include_service_tokens": flag}, request.query_params).get("include_service_tokens", True)
        vault = Vault(environ=os.environ, refs=settings.SECRET_REFS)
        found = {
            "providers": vault.providers(providers),
            "extra": vault.others(extras),
            "service_tokens": vault.service_tokens() if tokens else {},
        }
        record(
            "credential.inventory_accessed",
            actor=actor_of(request),
            metadata={
                "providers_requested": providers,
                "extras_requested": extras,
                "include_service_references": tokens,
                **_counts("provider", "providers_present", found["providers"]),
                **_counts("extra", "extras_present", found["extra"]),
                **_counts("service_reference", "service_references_present", found["service_tokens"]),
            },
        )
        return Response({"inventory": {kind: _shown(secrets) for kind, secrets in found.items()}})


def _names(request: Request, parameter: str) -> list[str] | None:
    """Return the names asked for, without empty ones; None when the parameter is not given. Raises RequestInvalid."""
    if parameter not in request.query_params:
        return None
    names = [storable(parameter, name) for name in dict.fromkeys(request.query_params.getlist(parameter)) if name]
    return names[:MOST_NAMES]


def _counts(kind: str, present: str, secrets: Mapping[str, Credential]) -> dict[str, int]:
    return {f"{kind}_count": len(secrets), present: sum(secret.is_present for secret in secrets.values())}


def _shown(secrets: Mapping[str, Credential]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "name": secret.name,
            "env_var": secret.env_var,
            "present": secret.is_present,
            "value": REDACTED if secret.is_present else None,
            "status": "present" if secret.is_present else "missing",
            "expires_at": None,
            "last_checked": None,
        }
        for name, secret in secrets.items()
    }
