"""The admin's pages about environments: what each demands, who said so, and what another policy would change."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from kneo_project.site import showing
from kneo_project.site.pages import OperatorAdmin, Related, column
from specs import policies
from specs.language.codes import MEANINGS
from specs.language.policy import EnvironmentPolicy
from specs.models import StoredPolicy
from specs.policies import LONGEST_NAME, PolicyPreview

# A page must come at once: the API looks at more.
RUNS_TRIED = 100


class PolicyForm(forms.Form):
    """All demands of an environment."""

    required_css_class = "required"

    environment = forms.CharField(max_length=LONGEST_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    enabled = forms.BooleanField(required=False, initial=True, help_text="Off: nothing is demanded.")
    require_human_review = forms.BooleanField(required=False, help_text="The root workflow asks a person.")
    require_guardrails = forms.BooleanField(required=False, help_text="An agent has guardrails.")
    require_tool_permissions = forms.BooleanField(required=False, help_text="Agents with tools say what these may do.")
    deny_unrestricted_tools = forms.BooleanField(
        required=False, help_text="No shell, no files, no network without hosts."
    )
    fail_on_warnings = forms.BooleanField(required=False, help_text="A warning refuses a spec.")
    blocked_diagnostic_codes = forms.CharField(
        required=False, help_text="Codes that refuse a spec, apart by blanks; such as W_TOOL_SHELL_ALLOWED."
    )

    def clean_blocked_diagnostic_codes(self) -> list[str]:
        """Return the codes. Raises ValidationError for one that is not known."""
        codes = list(dict.fromkeys(str(self.cleaned_data["blocked_diagnostic_codes"]).replace(",", " ").split()))
        if unknown := [code for code in codes if code not in MEANINGS]:
            raise forms.ValidationError(f"There is no diagnostic {unknown[0][:60]!r}.")
        return codes

    def policy(self) -> EnvironmentPolicy:
        """Return the policy that is asked for."""
        return EnvironmentPolicy(**{name: value for name, value in self.cleaned_data.items() if name != "environment"})


@admin.register(StoredPolicy)
class StoredPolicyAdmin(OperatorAdmin[StoredPolicy]):
    """What environments demand. Who may "change" policies puts another in force, after having tried it out."""

    list_display = ["name", "demanded", "changed", "by"]
    loaded = ["environment", "demands", "changed_at", "changed_by"]
    ordering = ["environment"]
    nothing = "No environment demands anything of the specs that are run in it."
    search_fields = ["environment"]
    fields = ["name", ("changed_in_full", "by"), "demands_document"]

    name = column("environment", showing.words, "environment")
    changed = column("changed", showing.age, "changed_at", is_sortable=True)
    changed_in_full = column("in force since", showing.moment, "changed_at")
    by = column("put in force by", showing.words, "changed_by")
    demands_document = column("demands", showing.document, "demands")

    def get_urls(self) -> list[URLPattern]:
        """Return the page to try out a policy before those of rows."""
        own = path("try/", self.admin_site.admin_view(self.try_view), name="specs_storedpolicy_try")
        return [own, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user may put policies in force."""
        return self.has_act_permission(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the page where a policy is tried out."""
        return redirect("admin:specs_storedpolicy_try")

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a policy would change, and put it in force for who may and says so."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        is_order = request.POST.get("do") == "store"
        if is_order and not self.has_act_permission(request):
            raise PermissionDenied
        form = PolicyForm(request.POST) if request.method == "POST" else PolicyForm(initial=_stored(request))
        preview = None
        if form.is_bound and form.is_valid():
            environment = form.cleaned_data["environment"]
            if is_order:
                policies.replace_policy(environment, form.policy(), actor=request.user.get_username())
                self.message_user(request, f"The policy of {environment} is in force.", messages.SUCCESS)
                return redirect(showing.address("specs_storedpolicy_change", args=[environment]))
            preview = policies.preview_policy(environment, form.policy(), at_most=RUNS_TRIED)
        context = {
            **self.admin_site.each_context(request),
            "title": "Try out a policy",
            "opts": self.opts,
            "form": form,
            "preview": preview and _shown(preview, _named(request)),
            "may_store": self.has_act_permission(request),
        }
        return TemplateResponse(request, "admin/kneo/policy_try.html", context)

    @admin.display(description="demands")
    def demanded(self, row: StoredPolicy) -> str:
        """Return what is demanded, in words."""
        return showing.words(", ".join(name for name, value in row.demands.items() if value and name != "enabled"))

    def related(self, row: StoredPolicy) -> Iterable[Related]:
        """Link to what another policy would change, and to what was changed when."""
        query = {"environment": row.environment}
        yield Related(label="Try out another", url=showing.address("specs_storedpolicy_try", query=query))
        changes = {"q": "policy.changed"}
        yield Related(label="Changes of policies", url=showing.address("audit_auditevent_changelist", query=changes))


def _stored(request: HttpRequest) -> dict[str, Any]:
    """Return what is in force in the environment that a link names, to begin with."""
    environment = request.GET.get("environment", "")[:LONGEST_NAME]
    policy = policies.policy_of(environment) or EnvironmentPolicy()
    demands = {**policy.model_dump(), "blocked_diagnostic_codes": " ".join(policy.blocked_diagnostic_codes)}
    return {"environment": environment, **demands}


def _named(request: HttpRequest) -> Callable[[str], str]:
    """Return what names a run: a link for who may see it."""
    return showing.run_link if request.user.has_perm("runs.view_run") else showing.short_id


def _shown(preview: PolicyPreview, named: Callable[[str], str]) -> dict[str, object]:
    """Return what the page says about a preview."""
    refused = set(preview.newly_blocking)
    accepted = [run_id for run_id in preview.affected_run_ids if run_id not in refused]
    return {
        "changes": [
            (name.replace("_", " "), _said(change["from"]), _said(change["to"]))
            for name, change in preview.diff.items()
        ],
        "evaluated": preview.runs_evaluated,
        "refused": [named(run_id) for run_id in preview.newly_blocking],
        "accepted": [named(run_id) for run_id in accepted],
    }


def _said(value: object) -> str:
    if isinstance(value, list):
        return showing.words(", ".join(value))
    return {True: "yes", False: "no"}.get(bool(value), "no") if value is not None else showing.NOTHING
