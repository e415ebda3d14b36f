"""Specs as runs were created from them, kept once however many runs share them."""

from django.db import models


class SpecSnapshot(models.Model):
    """The frozen input of a compilation. ``content`` has the keys base, overlays, overrides and environment."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    content = models.JSONField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="spec_snapshot_created_at")]

    def __str__(self) -> str:
        return self.digest


class StoredPolicy(models.Model):
    """What an environment demands of the specs that are run in it. ``demands`` are those of ``EnvironmentPolicy``."""

    environment = models.CharField(primary_key=True, max_length=128)
    demands = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=255)

    class Meta:
        ordering = ["environment"]
        verbose_name = "environment policy"
        verbose_name_plural = "environment policies"

    def __str__(self) -> str:
        return self.environment
