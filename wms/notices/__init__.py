# SPDX-License-Identifier: Apache-2.0
"""What brands are told: the feed of every order's story."""
