# SPDX-License-Identifier: Apache-2.0
"""The door for new orders: validate, promise stock, place into a shipment, answer."""
