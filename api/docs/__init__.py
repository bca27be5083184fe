# SPDX-License-Identifier: Apache-2.0
"""The API's documentation: an OpenAPI 3.1 document at ``/docs/openapi.json`` and a page made of it at ``/docs``.

The usual viewers load their scripts from elsewhere: a warehouse without the internet would see an empty page, and
our content security policy would refuse them. This page is plain HTML.
"""

from importlib.metadata import version

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag

from api.docs.page import PagePlugin
from wms.platform.settings import settings

_ABOUT = """\
Orders come in, wait for their edit window, and leave as shipments; this API puts them in and tells what became of them.

**Keys.** Send `Authorization: Bearer wk_…`. A key belongs to one brand and has scopes; what belongs to another brand
does not exist for it.

**Asking again.** Every POST takes an `Idempotency-Key`: the same request with the same key is answered again and not
done again. Orders, receipts and corrections also carry a reference of your own, which counts once for ever.

**Refusals** are problem documents (RFC 9457, `application/problem+json`): compare `code`, show `detail`, and read
`errors` where fields are meant. 409 means that the state of things does not allow it; 503 and 409 with `Retry-After`
mean: again in a moment.

**Units.** Money in minor units with its ISO 4217 currency, weights in grams, lengths in millimetres, times in UTC.
"""

_TAGS = [
    Tag("Orders", "What was sold: accepted once per reference."),
    Tag("Changes", "What can still be changed, until when, and if not, what instead."),
    Tag("Merges", "Orders for the same door that travel together, under one tracking number."),
    Tag("Money", "What is owed because of late changes, and what was paid."),
    Tag("Stock", "What there is, what is promised, what arrived."),
    Tag("Catalogue", "The articles and their barcodes."),
    Tag("Events", "Everything that happens to your orders, in one sequence to read on from."),
    Tag("Policy", "What the warehouse decides alone."),
    Tag("Carriers", "What carriers push to us, signed with the secret of their account."),
]


def openapi_config() -> OpenAPIConfig:
    """Returns what Litestar makes the document and its page from."""
    key = SecurityScheme(
        type="http", scheme="bearer", bearer_format="wk_…", description="A key of the brand, with the scope needed."
    )
    return OpenAPIConfig(
        title="Warehouse API",
        version=version("wms"),
        description=_ABOUT,
        path="/docs",
        servers=[Server(url=settings().public_url or "/")],
        components=Components(security_schemes={"api_key": key}),
        tags=_TAGS,
        use_handler_docstrings=True,
        render_plugins=[PagePlugin()],
    )
