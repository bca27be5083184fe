# SPDX-License-Identifier: Apache-2.0
"""The sandbox carrier: another company's system, so it imports nothing of the adapter or the port."""
