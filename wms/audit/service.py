# SPDX-License-Identifier: Apache-2.0
"""Runs the checks on one snapshot of the database, and holds our labels against the carriers' own books."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, select

from carriers.port import Capability, Carrier
from wms.audit.checks import CHECKS
from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import connect
from wms.orders.story import legal_triples
from wms.platform.clock import now, real_now
from wms.platform.db import json_text

IDS_SHOWN = 20


@dataclass(frozen=True)
class Finding:
    """One invariant: how often it is broken, and the first places where."""

    code: str
    title: str
    count: int
    ids: list[str]


def run_audit(session: Session) -> list[Finding]:
    """Checks every invariant set-wise. The caller opens the transaction, in the warehouse's scope and reads only."""
    legal = [{"before": before, "kind": kind, "after": after} for before, kind, after in legal_triples()]
    values = {"legal": json_text(legal), "now": now(session), "real_now": real_now()}
    findings = []
    for check in CHECKS:
        statement = text(check.sql)
        named = {name: values[name] for name in statement.compile().params}
        ids = [str(row.id) for row in session.execute(statement, named)]
        findings.append(Finding(check.code, check.title, len(ids), ids[:IDS_SHOWN]))
    return findings


def compare_with_carriers(session: Session) -> Finding:
    """L2: our labels and the carriers' ledgers agree one to one.

    A label whose void is still under way, or was refused, stands open in the carrier's books and not in ours; that is
    a task for a person elsewhere and no disagreement here.
    """
    offences: list[str] = []
    for account in session.exec(select(CarrierAccount)).all():
        carrier = connect(account)
        if Capability.LEDGER in carrier.capabilities:
            offences.extend(f"{account.code} {offence}" for offence in _disagreements(session, account.id, carrier))
    return Finding("L2", "our labels and the carrier's ledger agree", len(offences), offences[:IDS_SHOWN])


def _disagreements(session: Session, account_id: UUID, carrier: Carrier) -> Iterator[str]:
    rows = session.execute(
        text(
            "SELECT l.tracking_number, l.state, p.key FROM label l JOIN label_purchase p"
            " ON p.brand_id = l.brand_id AND p.id = l.purchase_id"
            " WHERE p.account_id = :account_id AND l.tracking_number IS NOT NULL"
        ),
        {"account_id": account_id},
    )
    ours = {row.tracking_number: row for row in rows}
    open_keys = set(
        session.execute(
            text("SELECT key FROM label_purchase WHERE account_id = :account_id AND state IN ('calling', 'unknown')"),
            {"account_id": account_id},
        ).scalars()
    )
    theirs: defaultdict[str, int] = defaultdict(int)
    for entry in carrier.ledger():
        theirs[entry.tracking_number] += 1
        own = ours.get(entry.tracking_number)
        if own is None:
            # The answer to a purchase that is still being resolved may be in their books before it is in ours.
            if entry.key not in open_keys and not entry.is_voided:
                yield f"{entry.tracking_number}: the carrier has a label that we do not know"
        elif own.state == "bought" and entry.is_voided:
            yield f"{entry.tracking_number}: live here, void at the carrier"
        elif own.state == "voided" and not entry.is_voided:
            yield f"{entry.tracking_number}: void here, live at the carrier"
    for number, row in ours.items():
        if theirs[number] == 0:
            yield f"{number}: {row.state} here, unknown to the carrier"
        elif theirs[number] > 1:
            yield f"{number}: {theirs[number]} times in the carrier's books"
