# SPDX-License-Identifier: Apache-2.0
"""What is owed because of all this. The warehouse moves no money; it says who owes what to whom."""
