# SPDX-License-Identifier: Apache-2.0
"""From a carrier's name to a connected adapter."""

from collections.abc import Callable, Mapping
from typing import Final

from carriers.errors import CarrierError
from carriers.port import Carrier
from carriers.sandbox.client import SandboxCarrier

_Factory = Callable[[str, Mapping[str, str], float], Carrier]
_ADAPTERS: Final[Mapping[str, _Factory]] = {"sandbox": SandboxCarrier}


def carrier_names() -> tuple[str, ...]:
    """The names that ``connect`` knows."""
    return tuple(sorted(_ADAPTERS))


def connect(carrier_name: str, base_url: str, credentials: Mapping[str, str], timeout_s: float = 10.0) -> Carrier:
    """An adapter for one account; it opens no connection yet. Close it when done.

    Raises a terminal CarrierError for an unknown name or a missing credential.
    """
    factory = _ADAPTERS.get(carrier_name)
    if factory is None:
        known = ", ".join(carrier_names())
        raise CarrierError(
            "unknown_carrier", f"There is no carrier {carrier_name!r}; known: {known}.", is_transient=False
        )
    return factory(base_url, credentials, timeout_s)
