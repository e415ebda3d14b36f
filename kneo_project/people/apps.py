"""The app of people. It has no models: users and groups are Django's."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PeopleConfig(AppConfig):
    """App configuration."""

    name = "kneo_project.people"
    label = "people"
    verbose_name = "people"

    def ready(self) -> None:
        """Have the groups kept after each migration of the last app: by then every permission exists."""
        from kneo_project.people.groups import keep_groups  # noqa: PLC0415 - models are not loaded before

        post_migrate.connect(keep_groups, dispatch_uid="kneo_project.people")
