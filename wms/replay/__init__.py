# SPDX-License-Identifier: Apache-2.0
"""Plays a file of real orders through the real application, in business time and without sleeping."""
