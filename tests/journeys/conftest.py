# SPDX-License-Identifier: Apache-2.0
"""The fixtures of :mod:`tests.screens`, for this folder."""

from tests.screens import chromium, released, screen, worker

__all__ = ["chromium", "released", "screen", "worker"]
