"""The admin's pages about people: users and groups."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Field
from django.forms import Field as FormField
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    Rows = ModelAdmin[Any]
    Users = UserAdmin[User]
else:
    from unfold.admin import ModelAdmin as Rows

    Users = UserAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class PersonAdmin(Users, Rows):
    """People who may use the admin."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "email", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser", "groups"]
    list_fullwidth = True
    list_filter_sheet = False

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> FormField | None:
        """Return a field's input; groups are made on their own page, not in a frame on this one."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_add_related = False
        return field


@admin.register(Group)
class PeopleAdmin(GroupAdmin, Rows):
    """Groups of people, and what they may do."""
