# SPDX-License-Identifier: Apache-2.0
"""A small warehouse to begin with: for the first five minutes, for tests and for demonstrations."""

from wms.seed.demo import SANDBOX_API_KEY, DemoBrand, DemoPerson, DemoWorld, seed_demo

__all__ = ["SANDBOX_API_KEY", "DemoBrand", "DemoPerson", "DemoWorld", "seed_demo"]
