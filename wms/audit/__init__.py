# SPDX-License-Identifier: Apache-2.0
"""What must always hold, proved from the database: ``wms audit``."""
