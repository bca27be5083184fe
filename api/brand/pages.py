# SPDX-License-Identifier: Apache-2.0
"""Lists in pages. A cursor remembers the last row that was shown, so that rows written meanwhile move nothing."""

import base64
import binascii
from typing import Annotated, TypeAlias

from litestar.params import QueryParameter

from wms.platform.errors import Invalid

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=200, description="Rows on one page.")]
Cursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=400, description="The `next_cursor` of the page before; absent for the first page."),
]


def read_cursor(cursor: str | None) -> str:
    """Returns what the cursor remembers, empty for the first page; raises :class:`Invalid` for one that is not ours."""
    if cursor is None:
        return ""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise Invalid("The cursor is not one that a page gave out.") from error


def actor_kind(actor: str) -> str:
    """Returns who did something as a brand may see it: by kind only, because badges are the warehouse's own."""
    kind = actor.partition(":")[0]
    return "warehouse" if kind == "staff" else kind


def make_cursor(last: str) -> str:
    """Returns the cursor that remembers ``last``."""
    return base64.urlsafe_b64encode(last.encode()).rstrip(b"=").decode()
