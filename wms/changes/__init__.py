# SPDX-License-Identifier: Apache-2.0
"""The one door for every late change, from whichever side it comes."""
