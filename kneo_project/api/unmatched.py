"""What answers a path that is no route."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.encoding import escape_uri_path
from django.views.decorators.csrf import csrf_exempt

from kneo_project.api.exception_handler import json_response


@csrf_exempt
def unmatched(request: HttpRequest) -> HttpResponse:
    """Send a route with a trailing slash to the one without it, with its query; the rest is not found."""
    bare = request.path_info.removesuffix("/")
    if bare == request.path_info or resolve(bare or "/").func is unmatched:
        return json_response(Http404())
    query = request.META.get("QUERY_STRING", "")
    target = escape_uri_path(request.path.removesuffix("/")) + (f"?{query}" if query else "")
    return HttpResponse(status=307, headers={"Location": request.build_absolute_uri(target)})
