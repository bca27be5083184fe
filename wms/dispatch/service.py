# SPDX-License-Identifier: Apache-2.0
"""The verbs of this room in one place: labels bought and voided, printed and checked, parcels handed over, and the
carrier asked about those that it has."""

from wms.dispatch.accounts import NoCarrier, account_for, callback_secrets, connect, get_account
from wms.dispatch.amendments import (
    AlreadyAsked,
    CarrierCannot,
    NotWithCarrier,
    ask_once_more,
    ask_return,
    carrier_can,
    declare_answer,
    edit_contact,
    hear_answer,
    redirect,
    unanswered,
)
from wms.dispatch.dock import NotForHandOver, hand_over
from wms.dispatch.intents import PackagesNotReady, ShipmentHeld, request_labels
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
    accept_cost,
    ask_again,
    declare_refused,
    flag_unresolved,
    needing_person,
)
from wms.dispatch.requests import ship_to_sha256
from wms.dispatch.states import LIVE, LabelStateConflict
from wms.dispatch.voids import void_labels

__all__ = [
    "LIVE",
    "AlreadyAsked",
    "CarrierCannot",
    "LabelStateConflict",
    "ManifestNotOpen",
    "NoCarrier",
    "NotForHandOver",
    "NotWithCarrier",
    "PackagesNotReady",
    "ReasonNeeded",
    "ShipmentHeld",
    "WrongLabel",
    "accept_cost",
    "account_for",
    "ask_again",
    "ask_once_more",
    "ask_return",
    "callback_secrets",
    "carrier_can",
    "close_manifest",
    "code_of",
    "connect",
    "declare_answer",
    "declare_refused",
    "edit_contact",
    "flag_unresolved",
    "get_account",
    "get_manifest",
    "hand_over",
    "hear_answer",
    "label_by_barcode",
    "live_label",
    "manifest_sheet",
    "needing_person",
    "open_manifest",
    "packages_on",
    "print_label",
    "redirect",
    "request_labels",
    "ship_to_sha256",
    "unanswered",
    "verify_label",
    "void_labels",
]
