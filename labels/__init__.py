# SPDX-License-Identifier: Apache-2.0
"""Everything the warehouse prints: frozen data in, PDF or ZPL bytes out.

Nothing here reads a database, a clock or a network, and the same data always gives the same bytes, so a label
can be compared with the one that was printed by comparing checksums.
"""
