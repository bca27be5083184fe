# SPDX-License-Identifier: Apache-2.0
"""The warehouse itself: every rule lives here, in folders in the order a parcel meets them."""
