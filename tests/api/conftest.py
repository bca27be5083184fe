# SPDX-License-Identifier: Apache-2.0
"""A brand's program, calling the API as one does from outside."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest


@pytest.fixture
def visitor(server: str, house: Any) -> Iterator[httpx.Client]:
    """Somebody without a key."""
    with httpx.Client(base_url=server, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def brand(server: str, house: Any) -> Iterator[Callable[..., httpx.Client]]:
    """Returns a client with the key of a brand, or with the key that is given."""
    opened: list[httpx.Client] = []

    def connect(code: str = "fennel", key: str | None = None) -> httpx.Client:
        headers = {"authorization": f"Bearer {key or house.brands[code].api_key}"}
        client = httpx.Client(base_url=server, headers=headers, trust_env=False, timeout=30)
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


@pytest.fixture
def fennel(brand: Callable[..., httpx.Client]) -> httpx.Client:
    """A brand with a key for everything."""
    return brand("fennel")


@pytest.fixture
def juniper(brand: Callable[..., httpx.Client]) -> httpx.Client:
    """Another brand in the same building."""
    return brand("juniper")
