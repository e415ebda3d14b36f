"""What is asked about a new key."""

from datetime import datetime
from typing import TypedDict

from django import forms
from django.core.exceptions import ValidationError

from kneo_project.principals import EVERY_SCOPE, ROLES, SCOPES


class Order(TypedDict):
    """What to make a key of."""

    name: str
    grants: list[str]
    expires_at: datetime | None


class KeyForm(forms.Form):
    """A name, what the key opens, and until when."""

    name = forms.CharField(
        max_length=255,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text="Who or what will use it: the audit log shows this name.",
    )
    roles = forms.MultipleChoiceField(
        required=False,
        choices=[(role, f"{role} – {', '.join(sorted(scopes))}") for role, scopes in ROLES.items()],  # noqa: RUF001
        widget=forms.CheckboxSelectMultiple,
        help_text="* is everything. Each role is the scopes beside it.",
    )
    scopes = forms.MultipleChoiceField(
        required=False,
        label="Further scopes",
        choices=[(scope, scope) for scope in sorted(SCOPES - {EVERY_SCOPE})],
        widget=forms.CheckboxSelectMultiple,
    )
    expires_at = forms.DateTimeField(
        required=False,
        label="Expires at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="In UTC. Empty is never.",
    )

    def clean(self) -> None:
        """Refuse a key that would open nothing."""
        super().clean()
        if not self.errors and not self.order()["grants"]:
            raise ValidationError("Choose at least one role or scope.")

    def order(self) -> Order:
        """Return what was asked for."""
        told = self.cleaned_data
        return Order(name=told["name"], grants=[*told["roles"], *told["scopes"]], expires_at=told["expires_at"])
