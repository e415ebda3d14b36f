"""The routes of specs and of the policies they must meet."""

from django.urls import path

from specs.views.policies import PoliciesView, PolicyPreviewView, PolicyView
from specs.views.skills import SkillsView
from specs.views.specs import CompileView, ExplainView, GraphView, PolicyReportView, SchemaView, ValidateView

urlpatterns = [
    path("specs/validate", ValidateView.as_view()),
    path("specs/compile", CompileView.as_view()),
    path("specs/explain", ExplainView.as_view()),
    path("specs/graph", GraphView.as_view()),
    path("specs/policy-report", PolicyReportView.as_view()),
    path("specs/schema", SchemaView.as_view()),
    path("skills", SkillsView.as_view()),
    path("policies/environment", PoliciesView.as_view()),
    path("policies/environment/<str:environment>", PolicyView.as_view()),
    path("policies/environment/<str:environment>/preview", PolicyPreviewView.as_view()),
]
