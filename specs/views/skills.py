"""The skills that lie ready for specs to name."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import list_parameters, missing, refusals
from kneo_project.api.pagination import Listing, page_of_items
from kneo_project.api.views import ApiView
from specs.serializers import SkillListSerializer
from specs.skills import catalog

SKILLS = Listing(
    items_key="skills", sort_by="name", sort_columns={name: name for name in ("name", "description", "path")}
)


class SkillsView(ApiView):
    """The skills in the usual folders."""

    required_scope = "specs:read"
    query_parameters = SKILLS.query_parameters

    @extend_schema(
        tags=["skills"],
        parameters=list_parameters(SKILLS),
        responses={200: SkillListSerializer, **refusals("specs:read", missing("query", "limit"))},
    )
    def get(self, request: Request) -> Response:
        """List the Agent Skills below `.agents/skills` and `.claude/skills`."""
        query = SKILLS.read(request.query_params)
        page = page_of_items(catalog(), query)
        return Response(SKILLS.envelope(query, page))
