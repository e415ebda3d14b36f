"""Making people. Who did it is on record."""

from collections.abc import Sequence

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from kneo_project.audit.services import record
from kneo_project.errors import InvalidRequest


@transaction.atomic
def create_person(name: str, groups: Sequence[str], password: str | None, *, actor: str) -> User:
    """Make somebody who may use the operators' site.

    Arguments:
        name: the user name, which the audit log will show.
        groups: the names of existing groups.
        password: None for somebody who comes by an identity provider only.
        actor: who makes them.

    Raises:
        InvalidRequest: the name is taken or is none, a group does not exist, or the password is too weak.
    """
    found = list(Group.objects.filter(name__in=groups))
    if missing := sorted(set(groups) - {group.name for group in found}):
        known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
        raise InvalidRequest(f"There is no group {', '.join(missing)}. The groups are: {known}.")
    person = User(username=name, is_staff=True)
    try:
        if password is not None:
            validate_password(password, person)
        person.set_password(password)
        person.full_clean()
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages)) from None
    person.save()
    person.groups.set(found)
    record("user.created", actor=actor, metadata={"user": name, "groups": sorted(group.name for group in found)})
    return person
