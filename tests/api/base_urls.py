"""Throw-away routes beside the real ones: just enough to meet every check that all routes share."""

from django.db import InterfaceError, OperationalError
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project import urls as real
from kneo_project.api import query
from kneo_project.api.pagination import Listing, page_of_items
from kneo_project.api.permissions import principal_of
from kneo_project.api.serializers import (
    FlagField,
    ItemsField,
    JsonObjectField,
    PathField,
    StrictSerializer,
    StringField,
    WordField,
)
from kneo_project.api.views import ApiView
from kneo_project.errors import InvalidRequest, StoreUnavailable

TOYS = Listing(
    items_key="toys",
    sort_by="name",
    filters={
        "colour": query.text_or_absent,
        "label": query.text,
        "has_box": query.flag,
        "size": query.word("small", "large"),
        "made_after": query.timestamp,
        "made_before": query.timestamp,
    },
)
ITEMS = [{"name": name, "price": price, "box": {"width": width}} for name, price, width in (
    ("bear", 3, 1), ("ark", None, 2), ("car", 1, None),
)]  # fmt: skip


class Parts(StrictSerializer):
    add = ItemsField(child=StringField(limit="MAX_PATH_CHARS"), limit=None, default=list)


class Toy(StrictSerializer):
    name = StringField(limit="MAX_INPUT_CHARS")
    kind = WordField(choices=["agent", "workflow"], default="workflow")
    wrapped = FlagField(default=False)
    metadata = JsonObjectField(limit="MAX_METADATA_BYTES", default=dict)
    manual = PathField(allow_null=True, default=None)
    overlays = ItemsField(child=PathField(), default=list)
    parts = Parts(allow_null=True, default=None)


class ToysView(ApiView):
    required_scopes = {"GET": "runs:read", "POST": "runs:write"}
    query_parameters = TOYS.query_parameters

    def get(self, request: Request) -> Response:
        asked = TOYS.read(request.query_params)
        page = page_of_items(ITEMS, asked)
        filters = {name: str(value) for name, value in asked.filters.items()}
        return Response(TOYS.envelope(asked, page) | {"filters": filters})

    def post(self, request: Request) -> Response:
        return Response(self.read_body(request, Toy))


class WhoView(ApiView):
    required_scope = ("specs:read", "runs:read")

    def get(self, request: Request, run_id: str) -> Response:
        caller = principal_of(request)
        return Response({"name": caller and caller.name, "run_id": run_id})


class RaisingView(ApiView):
    required_scope = None
    errors = {
        "application": InvalidRequest("No such toy.", toy="bear"),
        "retry": StoreUnavailable(),
        "operational": OperationalError("the host db.internal refused"),
        "interface": InterfaceError("connection already closed"),
        "bug": ZeroDivisionError("/srv/app secret=hunter2"),
    }

    def get(self, request: Request, kind: str) -> Response:
        raise self.errors[kind]


class CarelessView(ApiView):
    """Forgot to say which scope it needs."""

    def get(self, request: Request) -> Response:
        return Response({})


toys = [
    path("toys", ToysView.as_view()),
    path("runs/<str:run_id>/who", WhoView.as_view()),
    path("raise/<str:kind>", RaisingView.as_view()),
    path("careless", CarelessView.as_view()),
]
urlpatterns = [path("v1/", include(toys)), path("", include(toys)), *real.urlpatterns]
handler400, handler403, handler404, handler500 = real.handler400, real.handler403, real.handler404, real.handler500
