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
