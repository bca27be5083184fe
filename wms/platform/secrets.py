# SPDX-License-Identifier: Apache-2.0
"""Secrets at rest: encrypted with the key of the settings (Fernet: AES-128-CBC with HMAC-SHA256)."""

import hashlib
import hmac
import os

from cryptography.fernet import Fernet, InvalidToken

from wms.platform.errors import Unavailable
from wms.platform.settings import settings

# Memory-hard enough to make a stolen table of PINs expensive: 16 MiB and about 50 ms a guess.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**14, 8, 1


def _fernet() -> Fernet:
    key = settings().secret_key.get_secret_value()
    if not key:
        raise Unavailable("WMS_SECRET_KEY is not set: credentials can neither be stored nor read.")
    return Fernet(key)


def encrypt(clear: bytes) -> bytes:
    """Returns ``clear`` encrypted under the key of the settings."""
    return _fernet().encrypt(clear)


def decrypt(token: bytes) -> bytes:
    """Returns the clear bytes; raises :class:`Unavailable` when the key is not the one that encrypted them."""
    try:
        return _fernet().decrypt(token)
    except InvalidToken as error:
        raise Unavailable("WMS_SECRET_KEY is not the key that these credentials were encrypted with.") from error


def hash_pin(pin: str) -> bytes:
    """Returns 16 bytes of salt and the scrypt hash of a PIN."""
    salt = os.urandom(16)
    return salt + hashlib.scrypt(pin.encode(), salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)


def pin_matches(pin: str, stored: bytes) -> bool:
    """Compares in constant time."""
    made = hashlib.scrypt(pin.encode(), salt=stored[:16], n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
    return hmac.compare_digest(made, stored[16:])
