# SPDX-License-Identifier: Apache-2.0
"""How fast the house is, beside a floor measured in the same run on the same server: ``python -m bench --help``."""
