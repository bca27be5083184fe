# SPDX-License-Identifier: Apache-2.0
"""Doors: HTTP in, HTML, JSON and PDF out. Nothing is decided here."""
