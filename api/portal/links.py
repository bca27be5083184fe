# SPDX-License-Identifier: Apache-2.0
"""The address of a shopper's page: it names one order of one brand, and nobody can make one but us."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from uuid import UUID

from api.signing import signature

_SIGNATURE_BYTES = 16


def portal_link(brand_id: UUID, order_id: UUID) -> str:
    """Returns the path ``/t/<token>``. The token is both ids and 128 bits of their signature, in base64url."""
    ids = brand_id.bytes + order_id.bytes
    return "/t/" + urlsafe_b64encode(ids + signature("portal", ids)[:_SIGNATURE_BYTES]).decode()


def read_token(token: str) -> tuple[UUID, UUID] | None:
    """Returns brand and order of a token of ours, or ``None`` for anything else."""
    try:
        content = urlsafe_b64decode(token.encode())
    except (Error, ValueError):
        return None
    ids, signed = content[:32], content[32:]
    if len(ids) != 32 or not hmac.compare_digest(signed, signature("portal", ids)[:_SIGNATURE_BYTES]):
        return None
    return UUID(bytes=ids[:16]), UUID(bytes=ids[16:])
