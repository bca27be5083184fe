# SPDX-License-Identifier: Apache-2.0
"""Signatures of our own tokens. Each purpose has a key of its own, so no token of one kind passes as another."""

import hashlib
import hmac
from functools import lru_cache

from wms.platform.errors import Unavailable
from wms.platform.settings import settings


@lru_cache(maxsize=8)
def _derived_key(secret: str, purpose: str) -> bytes:
    if not secret:
        raise Unavailable("WMS_SECRET_KEY is not set: nothing can be signed.")
    return hmac.digest(secret.encode(), f"wms:{purpose}".encode(), hashlib.sha256)


def signature(purpose: str, content: bytes) -> bytes:
    """Returns the HMAC-SHA256 of ``content`` under the purpose's key, which is derived from ``WMS_SECRET_KEY``."""
    key = _derived_key(settings().secret_key.get_secret_value(), purpose)
    return hmac.digest(key, content, hashlib.sha256)
