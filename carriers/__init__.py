# SPDX-License-Identifier: Apache-2.0
"""One adapter per carrier behind one port; knows nothing of the warehouse."""
