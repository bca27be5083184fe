# SPDX-License-Identifier: Apache-2.0
"""Labels bought and voided, parcels checked, handed over and put on a manifest."""
