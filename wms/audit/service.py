# SPDX-License-Identifier: Apache-2.0
"""Runs the checks on one snapshot of the database, and holds our labels against the carriers' own books."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, select

from carriers.port import Capability, LedgerEntry
from wms.audit.checks import CHECKS
from wms.dispatch.models import CarrierAccount
from wms.dispatch.service import connect
from wms.orders.story import legal_triples
from wms.platform.clock import now, real_now
from wms.platform.db import WAREHOUSE, json_text, transaction

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


@dataclass(frozen=True)
class _Books:
    """Our side of one account: the state of each label by its number, and the keys of purchases in doubt."""

    states: dict[str, str]
    open_keys: frozenset[str]


def compare_with_carriers() -> Finding:
    """L2: our labels and the carriers' ledgers agree one to one. Opens its own transactions, none while it calls out.

    A label whose void is still under way, or was refused, stands open in the carrier's books and not in ours; that is
    a task for a person elsewhere and no disagreement here.
    """
    with transaction(WAREHOUSE) as session:
        accounts = session.exec(select(CarrierAccount)).all()
    offences: list[str] = []
    for account in accounts:
        carrier = connect(account)
        if Capability.LEDGER not in carrier.capabilities:
            continue
        # Work goes on while a carrier is asked, so what it answers is held against our books before and after.
        before = _books(account.id)
        entries = list(carrier.ledger())
        found = _disagreements(before, entries, _books(account.id))
        offences.extend(f"{account.code} {offence}" for offence in found)
    return Finding("L2", "our labels and the carrier's ledger agree", len(offences), offences[:IDS_SHOWN])


def _books(account_id: UUID) -> _Books:
    values = {"account_id": account_id}
    with transaction(WAREHOUSE) as session:
        labels = session.execute(
            text(
                "SELECT l.tracking_number, l.state FROM label l JOIN label_purchase p"
                " ON p.brand_id = l.brand_id AND p.id = l.purchase_id"
                " WHERE p.account_id = :account_id AND l.tracking_number IS NOT NULL"
            ),
            values,
        ).all()
        keys = session.execute(
            text("SELECT key FROM label_purchase WHERE account_id = :account_id AND state IN ('calling', 'unknown')"),
            values,
        ).scalars()
        return _Books({row.tracking_number: row.state for row in labels}, frozenset(keys))


def _disagreements(before: _Books, entries: Sequence[LedgerEntry], after: _Books) -> Iterator[str]:
    theirs = Counter(entry.tracking_number for entry in entries)
    for entry in entries:
        own = after.states.get(entry.tracking_number)
        if own is None:
            # The answer to a purchase that is still being resolved may be in their books before it is in ours.
            if entry.key not in before.open_keys | after.open_keys and not entry.is_voided:
                yield f"{entry.tracking_number}: the carrier has a label that we do not know"
        elif own != before.states.get(entry.tracking_number):
            continue  # It was bought or voided while we asked.
        elif own == "bought" and entry.is_voided:
            yield f"{entry.tracking_number}: live here, void at the carrier"
        elif own == "voided" and not entry.is_voided:
            yield f"{entry.tracking_number}: void here, live at the carrier"
    for number, state in before.states.items():
        if theirs[number] == 0:
            yield f"{number}: {state} here, unknown to the carrier"
        elif theirs[number] > 1:
            yield f"{number}: {theirs[number]} times in the carrier's books"
