"""Every route. Each API route answers under ``/v1`` and, for older clients, without the prefix."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

from kneo_project.api import health
from kneo_project.api.openapi import OpenApiView
from kneo_project.api.unmatched import unmatched
from kneo_project.audit.views import AuditEventsView
from kneo_project.logins import LoginForm
from kneo_project.people.sign_on import SignOnAnswerView, SignOnView

admin.site.login_form = LoginForm

api: list[URLPattern | URLResolver] = [
    path("healthz", health.HealthzView.as_view(), name="healthz"),
    path("livez", health.LivezView.as_view(), name="livez"),
    path("readyz", health.ReadyzView.as_view(), name="readyz"),
    path("audit-events", AuditEventsView.as_view(), name="audit-events"),
    path("", include("kneo_project.webhooks.urls")),
    path("", include("specs.urls")),
    path("", include("runs.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(api)),
    path("", include(api)),
    path("", include("runs.root_urls")),
    # Who types the address of the service into a browser is looking for the console.
    path("", RedirectView.as_view(pattern_name="admin:index", http_method_names=["get", "head"]), name="root"),
    path("openapi.json", OpenApiView.as_view(), name="openapi"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(url_name="openapi", template_name="kneo_project/swagger.html"),
        name="docs",
    ),
    path(
        "redoc",
        SpectacularRedocView.as_view(url_name="openapi", template_name="kneo_project/redoc.html"),
        name="redoc",
    ),
    path("admin/sign-on", SignOnView.as_view(), name="sign-on"),
    path("admin/sign-on/answer", SignOnAnswerView.as_view(), name="sign-on-answer"),
    path("admin/", admin.site.urls),
    re_path("", unmatched),
]

handler400 = "kneo_project.api.exception_handler.bad_request"
handler403 = "kneo_project.api.exception_handler.permission_denied"
handler404 = "kneo_project.api.exception_handler.page_not_found"
handler500 = "kneo_project.api.exception_handler.server_error"
