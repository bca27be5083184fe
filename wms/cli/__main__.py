# SPDX-License-Identifier: Apache-2.0
"""``python -m wms.cli``: the same program, where the console script is not on the path."""

from wms.cli import main

main()
