"""API keys. What is kept of a key is its digest, and enough of its beginning to be told from others."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys, by whether they open anything."""

    def usable(self) -> Self:
        """Return the keys that are neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None)


class ApiKey(models.Model):
    """A key of one principal. ``grants`` are roles and scopes, as in ``KNEO_SERV_API_KEYS``."""

    prefix = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(max_length=32, editable=False)
    name = models.CharField(max_length=255)
    grants = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=255)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def state(self) -> str:
        """Whether the key opens anything: usable, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "usable"
