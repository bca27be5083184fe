# SPDX-License-Identifier: Apache-2.0
"""What is stored and shipped: SKUs with their barcodes, and the cartons they leave in."""
