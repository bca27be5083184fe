# SPDX-License-Identifier: Apache-2.0
"""What every room stands on. Knows no warehouse word."""
