"""The admin's pages about people: users and groups."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Field, Model, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from kneo_project.audit.services import record
from kneo_project.oidc import NAME_PREFIX
from kneo_project.people.groups import is_kept
from kneo_project.site import showing
from kneo_project.site.pages import column

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    Rows = ModelAdmin[Any]
    Users = UserAdmin[User]
else:
    from unfold.admin import ModelAdmin as Rows

    Users = UserAdmin

admin.site.unregister([User, Group])


class Recorded(Rows):
    """Rows whose changes are audit events, in the name of who makes them."""

    noun = ""

    def log_addition(self, request: HttpRequest, obj: Model, message: object) -> LogEntry:
        """Record that a row was made."""
        self._record("created", request, obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: object) -> LogEntry:
        """Record that a row was changed."""
        self._record("changed", request, obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[LogEntry]:
        """Record that rows are being deleted."""
        for row in queryset:
            self._record("deleted", request, row, "")
        return super().log_deletions(request, queryset)

    def facts(self, row: Model) -> dict[str, object]:
        """Return what is kept of the row."""
        return {self.noun: str(row)}

    def _record(self, verb: str, request: HttpRequest, row: Model, message: object) -> None:
        facts = self.facts(row) | ({"how": message} if message else {})
        record(f"{self.noun}.{verb}", actor=request.user.get_username(), metadata=facts)


@admin.register(User)
class PersonAdmin(Users, Recorded):
    """People who may use the admin."""

    noun = "user"
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "email", "is_active", "is_superuser", "seen"]
    list_filter = ["is_active", "is_superuser", "groups"]
    list_fullwidth = True
    list_filter_sheet = False

    seen = column("last login", showing.age, "last_login", is_sortable=True)
    seen_in_full = column("last login", showing.moment, "last_login")
    joined = column("date joined", showing.moment, "date_joined")
    fieldsets = [*(UserAdmin.fieldsets or ())[:-1], ("Dates", {"fields": ("seen_in_full", "joined")})]

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> FormField | None:
        """Return a field's input; groups are made on their own page, not in a frame on this one."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_add_related = False
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Return what nobody changes: the name of who comes from the identity provider is found by it again."""
        fields = [*(str(field) for field in super().get_readonly_fields(request, obj)), "seen_in_full", "joined"]
        return [*fields, "username"] if obj and obj.username.startswith(NAME_PREFIX) else fields

    def facts(self, row: Model) -> dict[str, object]:
        """Return who it is, and what they may now."""
        if not isinstance(row, User):
            return super().facts(row)
        groups = sorted(row.groups.values_list("name", flat=True))
        return {"user": row.username, "groups": groups, "active": row.is_active, "superuser": row.is_superuser}


@admin.register(Group)
class PeopleAdmin(GroupAdmin, Recorded):
    """Groups of people, and what they may do. Ours are as the roles of the API: only their members are chosen."""

    noun = "group"
    list_fullwidth = True

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Whether the user may change the group."""
        return super().has_change_permission(request, obj) and not (obj and is_kept(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Whether the user may delete the group."""
        return super().has_delete_permission(request, obj) and not (obj and is_kept(obj))
