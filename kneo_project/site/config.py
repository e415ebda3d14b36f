"""The admin site itself: its name and icon, and how Django comes to use it."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import reverse

from kneo_project.oidc import client_trust

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as UnfoldAdminSite
else:
    from unfold.sites import UnfoldAdminSite

# The code of the error that a form of the login has when somebody failed too often; its ``seconds`` are to be waited.
THROTTLED = "throttled"


class OperatorsSite(UnfoldAdminSite):
    """The site at /admin/."""

    site_header = "kneo-serv"
    site_title = "kneo-serv"
    index_title = "Operations"
    index_template = "admin/kneo/first_page.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page is told, but for colours: those are in our style sheet, no page has styles."""
        return super().each_context(request) | {"colors": None}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let somebody log in. Who failed too often is answered so that programs understand it as well."""
        sign_on = reverse("sign-on") if client_trust() else None
        response = super().login(request, {"sign_on_url": sign_on, **(extra_context or {})})
        form = (getattr(response, "context_data", None) or {}).get("form")
        for error in form.errors.as_data().get(NON_FIELD_ERRORS, ()) if form is not None else ():
            if error.code == THROTTLED:
                response.status_code = 429
                response.headers["Retry-After"] = str((error.params or {})["seconds"])
        return response

    def admin_view[View: Callable[..., Any]](self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002
        """Return the view for those who may use the site. Unfold lets its lists be framed by itself: ours never are."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def unframed(*args: Any, **kwargs: Any) -> HttpResponse:
            response: HttpResponse = inner(*args, **kwargs)
            response.headers.pop("X-Frame-Options", None)
            return response

        return cast("View", unframed)


class OperatorsSiteConfig(AdminConfig):
    """Django's admin app, with our site as the one that every app registers with."""

    default_site = "kneo_project.site.config.OperatorsSite"


def icon(_: HttpRequest) -> str:
    """Return the address of our icon (the setting ``UNFOLD``)."""
    return static("kneo/icon.svg")


def stylesheet(_: HttpRequest) -> str:
    """Return the address of our style sheet (the setting ``UNFOLD``)."""
    return static("kneo/operators.css")


def script(_: HttpRequest) -> str:
    """Return the address of the script of every page (the setting ``UNFOLD``)."""
    return static("kneo/every_page.js")
