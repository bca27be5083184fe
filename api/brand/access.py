# SPDX-License-Identifier: Apache-2.0
"""Who calls: the key in ``Authorization: Bearer``, and what it may do."""

import hashlib
from time import monotonic
from typing import Any, Final, TypeAlias

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from wms.brands.service import Caller, Grant, authenticate
from wms.platform.db import WAREHOUSE, in_transaction
from wms.platform.errors import Denied, Unauthenticated

ApiRequest: TypeAlias = Request[Any, Caller, State]

# A revoked key works on for at most so long, in each process.
REMEMBERED_SECONDS: Final = 5.0
_REMEMBERED_MAX: Final = 4096


class Keyring:
    """Callers seen in the last seconds, by the hash of their key: most requests need no look-up of their own.

    Used from the event loop only, so it needs no lock.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, clear_key: str) -> Caller:
        """Returns who is behind the key; raises :class:`Unauthenticated`."""
        hashed = hashlib.sha256(clear_key.encode()).digest()
        known = self._known.get(hashed)
        if known is not None and monotonic() < known[1]:
            return known[0]
        asked = monotonic()
        caller = await sync_to_thread(in_transaction, WAREHOUSE, lambda session: authenticate(session, clear_key))
        if len(self._known) >= _REMEMBERED_MAX:
            self._known.clear()
        # Counted from the question: the answer may have been on its way while the key was revoked.
        self._known[hashed] = (caller, asked + REMEMBERED_SECONDS)
        return caller


def needs(grant: Grant) -> Guard:
    """Returns the guard of an operation: a key that holds, with this scope. The caller becomes ``request.auth``."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        keyring: Keyring = connection.app.state.keyring
        caller = await keyring.caller(_bearer(connection.headers.get("authorization", "")))
        connection.scope["auth"] = caller
        if grant not in caller.scopes:
            raise Denied(f"This key lacks the scope {grant}.", scope=grant.value)

    return guard


def _bearer(header: str) -> str:
    scheme, _, clear_key = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("This needs an API key: send the header `Authorization: Bearer wk_…`.")
    return clear_key.strip()
