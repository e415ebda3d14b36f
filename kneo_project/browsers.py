"""What browsers are told about our pages: where they may load from, and how they look. Settings of libraries."""

from csp.constants import NONE, SELF

# The pages of the admin and of the API's documentation need a little more: kneo_project/site/policy.py.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
UNFOLD = {
    "SITE_TITLE": "kneo-serv",
    "SITE_HEADER": "kneo-serv",
    "SITE_URL": None,
    "SITE_ICON": "kneo_project.site.config.icon",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "kneo_project.site.config.icon"}],
    "SHOW_HISTORY": False,  # what was done is in the audit events
    "SCRIPTS": ["kneo_project.site.config.script"],
    "STYLES": ["kneo_project.site.config.stylesheet"],
    "DASHBOARD_CALLBACK": "runs.admin.dashboard.first_page",
    "SIDEBAR": {"navigation": "kneo_project.site.navigation.sidebar"},
}
API_PAGES = {
    "TITLE": "kneo-serv",
    "DESCRIPTION": "Durable runs of agent workflows, with people in the loop.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "runs.views.links.add_links",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
