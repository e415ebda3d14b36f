"""What the admin pages of every app share."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:
    # At run time Django's class takes no type parameter.
    class _ModelAdmin[M: Model](admin.ModelAdmin[M]): ...
else:

    class _ModelAdmin[M](admin.ModelAdmin): ...


class ReadOnlyAdmin[M: Model](_ModelAdmin[M]):
    """Shows rows and changes none: state is written by the code that knows its rules."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody changes; who may view sees."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody deletes."""
        return False
