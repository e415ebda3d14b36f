"""Whose human tasks they are: those of a person, of the person's groups, and all."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q, prefetch_related_objects

from humantasks.models import HumanTask, HumanTaskQuerySet


class Whose(StrEnum):
    """A part of the inbox."""

    MINE = "mine"
    GROUPS = "groups"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who looks at the inbox: the names under which tasks are assigned to that person."""

    name: str
    aliases: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, user: AbstractBaseUser | AnonymousUser) -> "Person":
        """Return the person who is logged in: in one query, however often ``user`` is asked about."""
        if not isinstance(user, User):
            return cls(name=user.get_username())
        prefetch_related_objects([user], "groups")
        groups = tuple(group.name for group in user.groups.all())
        return cls(name=user.get_username(), aliases=(user.email,) if user.email else (), groups=groups)


def of_whom(tasks: HumanTaskQuerySet, whose: Whose, person: Person) -> HumanTaskQuerySet:
    """Return those of ``tasks`` that are in this part of the inbox of ``person``."""
    match whose:
        case Whose.MINE:
            return tasks.of_person(person.name, *person.aliases)
        case Whose.GROUPS:
            return tasks.of_groups(person.groups)
        case Whose.ALL:
            return tasks


def counts(person: Person, *, at_most: int) -> Mapping[Whose, int]:
    """Return how many tasks are open in each part of the inbox, counting no further than ``at_most``."""
    parts = {whose: of_whom(HumanTask.objects.open(), whose, person) for whose in Whose}
    return {whose: tasks.values("pk")[:at_most].count() for whose, tasks in parts.items()}


def next_for(person: Person, whose: Whose, *, after: HumanTask) -> HumanTask | None:
    """Return the most urgent open task but ``after`` that ``person`` can do something about, if there is one."""
    waiting = of_whom(HumanTask.objects.open(), whose, person).filter(Q(claimed_by=None) | Q(claimed_by=person.name))
    others = waiting.exclude(pk=after.pk).exclude(approvals__decided_by=person.name)
    return others.only("pk").most_urgent_first().first()
