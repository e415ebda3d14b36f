"""What the pages of every model share: lists that cost the same with a million rows, and pages that only show."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.db.models.options import Options
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import resolve
from django.utils.functional import cached_property
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldBooleanWidget

from kneo_project.redaction import redact_text

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.admin import ModelAdmin
    from unfold.views import ChangeList

MOST_COUNTED = 10_000


class BoundedPaginator(Paginator[Any]):
    """Counts no further than ``MOST_COUNTED``: counting a million rows takes longer than showing fifty."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or ``MOST_COUNTED`` when there are at least as many."""
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by().values("pk")[:MOST_COUNTED].count()

    @property
    def is_cut(self) -> bool:
        """Whether there may be rows beyond the last page."""
        return self.count == MOST_COUNTED


class LeanChangeList(ChangeList):
    """A list that loads only the columns it shows."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        """Return the filtered rows, as narrow as the page asks for."""
        page = cast("OperatorAdmin[Any]", self.model_admin)
        return page.listed(super().get_queryset(request, exclude_parameters))

    def get_results(self, request: HttpRequest) -> None:
        """Count the rows. Where nothing narrows the list, there are no more than these."""
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


def column(
    description: str, show: Callable[[Any], str], field: str, *, is_sortable: bool = False
) -> Callable[[Any, Any], str]:
    """Return a method that shows a field of a row.

    Arguments:
        description: the heading.
        show: what turns the field's value into text; one of ``showing``, so that secrets stay inside.
        field: the name of the field.
        is_sortable: whether a list may be ordered by it: only where an index can do so.
    """

    @admin.display(description=description, ordering=field if is_sortable else None)
    def shown(_page: object, row: object) -> str:
        return show(getattr(row, field))

    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A link from a row's page to other rows."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Other rows on a row's page: the latest of them, and a link to all.

    Without the ``permission`` nobody sees them: that to view their model; none for what is of the row itself.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[object]]
    all_rows: Related | None = None
    permission: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An action that a row's page offers: the name of the list's action, and what its button says."""

    action: str
    label: str
    is_grave: bool = False


class Named:
    """A row under the name that may be shown: the heading of a page would print what the row says of itself."""

    def __init__(self, row: Model, options: Options[Any], label: str) -> None:
        self._meta = options
        self.pk = row.pk
        self._label = label

    def __str__(self) -> str:
        return self._label


class OperatorAdmin[M: Model](ModelAdmin[M]):
    """Lists and shows rows. ``loaded`` names the columns that a list reads; nothing else leaves the database.

    Whoever may "change" the model may use its actions; the rows themselves are changed by nobody.
    ``linked`` names the columns of a list that are links, and the permission without which they are only words.
    ``nothing`` is said where there are no rows yet: how they come to be.
    There is no date hierarchy: it looks at every row to find out which years there are.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    list_filter_sheet = False
    loaded: Sequence[str] = ()
    linked: Mapping[str, str] = {}
    nothing = ""
    change_list_template = "admin/kneo/change_list.html"
    change_form_template = "admin/kneo/change_form.html"

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Return the columns; those that would lead where the user may not go are words."""
        denied = {name for name, permission in self.linked.items() if not request.user.has_perm(permission)}
        return [_words(self, name) if name in denied else name for name in super().get_list_display(request)]

    def listed(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Return ``rows`` with what a list shows of them."""
        return rows.only(*self.loaded) if self.loaded else rows

    def viewed(self, request: HttpRequest, object_id: str) -> M:
        """Return the row to show. Raises PermissionDenied or Http404."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404(f"There is no such {self.opts.verbose_name}; it may be gone by now.")
        return row

    def label(self, row: M) -> str:
        """Return what the row is called where only its name is shown."""
        return redact_text(str(row))

    def related(self, row: M) -> Iterable[Related]:
        """Return the links of the row's page."""
        return ()

    def links(self, request: HttpRequest, row: M) -> list[Related]:
        """Return the links of the row's page that this user may follow."""
        return [each for each in self.related(row) if _may_follow(request, each.url)]

    def tables(self, row: M) -> Iterable[Table]:
        """Return the tables under the row's own columns."""
        return ()

    def offers(self, row: M) -> Iterable[Offer]:
        """Return the actions that make sense for the row now."""
        return ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody changes: state is written by the code that knows its rules. Who may view sees."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody deletes."""
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether the user may use the actions: the permission to change the model."""
        codename = get_permission_codename("change", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the filters on the page and no others: who may not read a column must not search it either."""
        offered = {_parameter(declared) for declared in self.list_filter}
        return lookup.split("__", 1)[0] in offered

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the lean list."""
        return LeanChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[str]:
        """Return everything on the page."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a row with its links, its tables, and the actions this user may take."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            row = response.context_data["original"]
            label = self.label(row)
            response.context_data |= {
                "subtitle": label,
                "named": Named(row, self.opts, label),
                "is_fullwidth": "1",
                "related": self.links(request, row),
                "tables": seen(request, self.tables(row)),
                "offers": list(self.offers(row)) if self.has_act_permission(request) else [],
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or act on it. Who forges an action that is not offered to him is refused."""
        wanted = request.POST.get("action")
        if wanted and wanted not in self.get_actions(request):
            raise PermissionDenied
        try:
            response = super().changelist_view(request, extra_context)
        except ValidationError as error:
            raise SuspiciousOperation("What was selected are no rows.") from error
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            response.context_data["narrowed"] = ", ".join(_narrowings(response.context_data["cl"]))
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is no such page: what was done to a row is in the audit events."""
        raise Http404

    @admin.display(description="")
    def action_checkbox(self, row: M) -> SafeString:
        """Return the box that selects a row for an action."""
        box = UnfoldBooleanWidget({"class": "action-select", "aria-label": f"Select {self.label(row)}"}, _never)
        return cast("SafeString", box.render(ACTION_CHECKBOX_NAME, str(row.pk)))


def seen(request: HttpRequest, tables: Iterable[Table]) -> list[Table]:
    """Return the tables whose rows this user may see."""
    return [table for table in tables if not table.permission or request.user.has_perm(table.permission)]


def _narrowings(shown: ChangeList) -> Iterator[str]:
    """Yield which filters have been chosen, and what. The first choice of each is that of everything."""
    for spec in shown.filter_specs:
        for choice in list(spec.choices(shown))[1:]:
            if choice["selected"]:
                yield f"{spec.title} “{choice['display']}”"


def _words(page: OperatorAdmin[Any], name: str) -> Callable[[Model], str]:
    """Return a column of ``page`` without its links."""
    column = getattr(page, name)

    @admin.display(description=column.short_description)
    def words(row: Model) -> str:
        return strip_tags(column(row))

    words.__name__ = name
    return words


def _may_follow(request: HttpRequest, url: str) -> bool:
    """Whether the user may see the rows of the model that a link leads to; links to other pages are for everybody."""
    app, _, rest = (resolve(urlsplit(url).path).url_name or "").partition("_")
    model, _, page = rest.rpartition("_")
    return page not in {"change", "changelist"} or request.user.has_perm(f"{app}.view_{model}")


def _never(_: object) -> bool:
    return False


def _parameter(declared: object) -> str:
    """Return the query parameter of an entry of ``list_filter``: a field, a field and its filter, or a filter."""
    if isinstance(declared, type) and issubclass(declared, admin.SimpleListFilter):
        return str(declared.parameter_name)
    return str(declared[0] if isinstance(declared, tuple) else declared)
