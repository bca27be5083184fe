# SPDX-License-Identifier: Apache-2.0
"""The verbs of this room in one place: labels bought and voided, printed and checked, parcels handed over."""

from wms.dispatch.accounts import NoCarrier, account_for, callback_secrets, connect, get_account
from wms.dispatch.dock import NotForHandOver, hand_over
from wms.dispatch.manifests import (
    ManifestNotOpen,
    close_manifest,
    code_of,
    get_manifest,
    manifest_sheet,
    open_manifest,
    packages_on,
)
from wms.dispatch.prints import (
    ReasonNeeded,
    WrongLabel,
    label_by_barcode,
    live_label,
    print_label,
    verify_label,
)
from wms.dispatch.purchases import (
    PackagesNotReady,
    ShipmentHeld,
    accept_cost,
    ask_again,
    declare_refused,
    flag_unresolved,
    needing_person,
    request_labels,
)
from wms.dispatch.requests import ship_to_sha256
from wms.dispatch.states import LIVE, LabelStateConflict
from wms.dispatch.voids import void_labels

__all__ = [
    "LIVE",
    "LabelStateConflict",
    "ManifestNotOpen",
    "NoCarrier",
    "NotForHandOver",
    "PackagesNotReady",
    "ReasonNeeded",
    "ShipmentHeld",
    "WrongLabel",
    "accept_cost",
    "account_for",
    "ask_again",
    "callback_secrets",
    "close_manifest",
    "code_of",
    "connect",
    "declare_refused",
    "flag_unresolved",
    "get_account",
    "get_manifest",
    "hand_over",
    "label_by_barcode",
    "live_label",
    "manifest_sheet",
    "needing_person",
    "open_manifest",
    "packages_on",
    "print_label",
    "request_labels",
    "ship_to_sha256",
    "verify_label",
    "void_labels",
]
