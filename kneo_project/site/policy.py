"""The Content-Security-Policy of each kind of page: the strictest that the page works with."""

from collections.abc import Mapping, Sequence

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase

type Policy = Mapping[str, Sequence[str]]

# Unfold's pages say in attributes what they do, which Alpine compiles; it also writes style attributes.
ADMIN: Policy = {"script-src": [SELF, UNSAFE_EVAL], "style-src-attr": [UNSAFE_INLINE]}
# Redoc writes one style into the page, and adds rules to elements that are empty: the digest of nothing.
REDOC_STYLE = "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
NOTHING = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
PAGES: Mapping[str, Policy] = {
    "redoc": {"style-src": [SELF, NOTHING, REDOC_STYLE], "worker-src": ["blob:"]},
}


class ContentPolicyMiddleware(CSPMiddleware):
    """Tells browsers the policy of the page, by its route."""

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002 - the library's own signature
    ) -> PolicyParts:
        """Return the policy of the site, with what this page needs beyond it."""
        parts = super().get_policy_parts(request, response, report_only)
        if (match := request.resolver_match) is not None:
            policy = ADMIN if match.app_name == "admin" else PAGES.get(match.view_name, {})
            parts.replace = dict(policy)
        return parts
