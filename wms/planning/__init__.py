# SPDX-License-Identifier: Apache-2.0
"""Choosing an edit window by evidence: a brand's past orders, decided anew by the rules that decide in production."""
