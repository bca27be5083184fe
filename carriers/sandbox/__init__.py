# SPDX-License-Identifier: Apache-2.0
"""The sandbox carrier: the adapter here, the carrier itself in ``server``."""
