# SPDX-License-Identifier: Apache-2.0
"""The work of the building: carts and walks, benches and boxes, the dock and the shelves, one scan at a time."""
