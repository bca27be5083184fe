# SPDX-License-Identifier: Apache-2.0
"""What carriers push, from the signed callback to the parcel's state."""
