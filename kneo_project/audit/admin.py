"""Audit events in the admin: to search and to read."""

from django.contrib import admin

from kneo_project.admin import ReadOnlyAdmin
from kneo_project.audit.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin[AuditEvent]):
    """Newest first."""

    list_display = ("created_at", "event_type", "actor", "run_id", "continuation_id")
    list_filter = ("event_type", "created_at")
    search_fields = ("=public_id", "=run_id", "=continuation_id", "actor")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")
    show_full_result_count = False
