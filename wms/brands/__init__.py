# SPDX-License-Identifier: Apache-2.0
"""Tenants, their policies and keys; the people on the floor."""
