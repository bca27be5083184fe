# SPDX-License-Identifier: Apache-2.0
"""The invariants, one query each: every row that a query returns is an offence, and its ``id`` says where to look.

The codes are those of the design: S for stock, O for orders, L for labels, M for messages, T for tenants.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Check:
    """``sql`` returns one column, ``id``, with a row for each offence. It may name the parameters of the service."""

    code: str
    title: str
    sql: str


STOCK: Final = (
    Check(
        "S1",
        "0 <= promised <= sellable, 0 <= allocated <= on hand",
        "SELECT 'counter ' || sku_id AS id FROM stock_counter WHERE NOT (0 <= promised AND promised <= sellable)"
        " UNION ALL SELECT 'bin ' || sku_id || ' ' || location_id FROM bin_stock"
        " WHERE NOT (0 <= allocated AND allocated <= on_hand)",
    ),
    Check(
        "S2",
        "bins, totes and counters equal the ledger, the live promises, the open allocations and what was fetched",
        "SELECT 'on hand ' || coalesce(b.sku_id, m.sku_id) || ' ' || coalesce(b.location_id, m.location_id) AS id"
        " FROM bin_stock b FULL JOIN (SELECT brand_id, sku_id, location_id, lot, sum(quantity) AS quantity"
        "  FROM stock_move WHERE account = 'bin' GROUP BY 1, 2, 3, 4) m USING (brand_id, sku_id, location_id, lot)"
        " WHERE coalesce(b.on_hand, 0) <> coalesce(m.quantity, 0)"
        " UNION ALL"
        " SELECT 'allocated ' || coalesce(b.sku_id, a.sku_id) || ' ' || coalesce(b.location_id, a.location_id)"
        " FROM bin_stock b FULL JOIN (SELECT brand_id, sku_id, location_id, lot, sum(quantity - picked) AS quantity"
        "  FROM allocation WHERE state = 'open' GROUP BY 1, 2, 3, 4) a USING (brand_id, sku_id, location_id, lot)"
        " WHERE coalesce(b.allocated, 0) <> coalesce(a.quantity, 0)"
        " UNION ALL"
        # In totes and boxes lies what was picked and has not left, and what waits to be put back.
        " SELECT 'in totes ' || coalesce(m.sku_id, f.sku_id) FROM (SELECT brand_id, sku_id, sum(quantity) AS quantity"
        "  FROM stock_move WHERE account = 'tote' GROUP BY 1, 2) m FULL JOIN (SELECT brand_id, sku_id,"
        "  sum(quantity) AS quantity FROM (SELECT brand_id, sku_id, picked AS quantity FROM shipment_line"
        "   UNION ALL SELECT n.brand_id, n.sku_id, -l.quantity FROM package p JOIN package_line l"
        "    ON l.brand_id = p.brand_id AND l.package_id = p.id"
        "    JOIN shipment_line n ON n.brand_id = l.brand_id AND n.id = l.shipment_line_id"
        "    WHERE p.state IN ('handed_over', 'delivered')"
        "   UNION ALL SELECT brand_id, sku_id, quantity - done FROM put_back) fetched GROUP BY 1, 2) f"
        " USING (brand_id, sku_id) WHERE coalesce(m.quantity, 0) <> coalesce(f.quantity, 0)"
        " UNION ALL"
        " SELECT 'sellable ' || coalesce(c.sku_id, m.sku_id)"
        " FROM stock_counter c FULL JOIN (SELECT m.brand_id, m.warehouse_id, m.sku_id, sum(m.quantity) AS quantity"
        "  FROM stock_move m LEFT JOIN location l ON l.id = m.location_id"
        "  WHERE m.account = 'tote' OR (m.account = 'bin' AND l.kind <> 'quarantine') GROUP BY 1, 2, 3) m"
        " USING (brand_id, warehouse_id, sku_id) WHERE coalesce(c.sellable, 0) <> coalesce(m.quantity, 0)"
        " UNION ALL"
        " SELECT 'promised ' || coalesce(c.sku_id, p.sku_id)"
        " FROM stock_counter c FULL JOIN (SELECT brand_id, warehouse_id, sku_id, sum(quantity) AS quantity"
        "  FROM promise WHERE state = 'live' GROUP BY 1, 2, 3) p USING (brand_id, warehouse_id, sku_id)"
        " WHERE coalesce(c.promised, 0) <> coalesce(p.quantity, 0)",
    ),
    Check(
        "S3",
        "every movement sums to zero",
        "SELECT group_id || ' ' || sku_id AS id FROM stock_move GROUP BY brand_id, group_id, sku_id, lot"
        " HAVING sum(quantity) <> 0",
    ),
    Check(
        "S4",
        "per order line: promised + shipped <= ordered - cancelled",
        "SELECT 'line ' || l.id AS id FROM order_line l LEFT JOIN (SELECT brand_id, order_line_id,"
        "  sum(quantity) AS quantity FROM promise WHERE state = 'live' GROUP BY 1, 2) p"
        " ON p.brand_id = l.brand_id AND p.order_line_id = l.id"
        " WHERE coalesce(p.quantity, 0) + l.shipped > l.quantity - l.cancelled"
        " UNION ALL SELECT 'order ' || o.ref FROM orders o JOIN order_line l"
        "  ON l.brand_id = o.brand_id AND l.order_id = o.id"
        " JOIN promise p ON p.brand_id = l.brand_id AND p.order_line_id = l.id AND p.state = 'live'"
        " WHERE o.state IN ('cancelled', 'delivered')",
    ),
)

ORDERS: Final = (
    Check(
        "O1",
        "every order's story is gapless, legal, and ends in the order's state",
        "WITH story AS (SELECT brand_id, order_id, seq, kind, state,"
        "  lag(state) OVER told AS state_before, row_number() OVER told AS position,"
        "  lead(seq) OVER told IS NULL AS is_last"
        "  FROM order_event WINDOW told AS (PARTITION BY brand_id, order_id ORDER BY seq))"
        " SELECT 'event ' || s.order_id || ' ' || s.seq AS id FROM story s WHERE s.seq <> s.position"
        "  OR NOT EXISTS (SELECT 1 FROM json_to_recordset(:legal) AS t(before text, kind text, after text)"
        "   WHERE t.before IS NOT DISTINCT FROM s.state_before AND t.kind = s.kind AND t.after = s.state)"
        " UNION ALL SELECT 'order ' || o.ref FROM orders o LEFT JOIN story s"
        "  ON s.brand_id = o.brand_id AND s.order_id = o.id AND s.is_last"
        " WHERE s.seq IS DISTINCT FROM o.version OR s.state IS DISTINCT FROM o.state",
    ),
    Check(
        "O3",
        "nothing is picked, packed, labelled or shipped under an active hold",
        "SELECT 'event ' || e.order_id || ' ' || e.seq AS id FROM hold h JOIN order_event e"
        " ON e.brand_id = h.brand_id AND e.order_id = h.order_id"
        " WHERE e.kind IN ('picking_started', 'picked', 'packed', 'label_bought', 'handed_over')"
        " AND e.at > h.placed_at AND (h.lifted_at IS NULL OR e.at < h.lifted_at)"
        " AND (h.shipment_id IS NULL OR h.shipment_id::text = e.data ->> 'shipment_id')",
    ),
    Check(
        "O4",
        "until hand-over the label's ship-to is the shipment's, and the shipment's door is every member's",
        "SELECT 'shipment ' || s.id AS id FROM shipment s JOIN label_purchase p"
        "  ON p.brand_id = s.brand_id AND p.shipment_id = s.id AND p.state = 'bought'"
        " JOIN recipient r ON r.brand_id = s.brand_id AND r.id = s.recipient_id"
        " WHERE s.state = 'labelled' AND EXISTS (SELECT 1 FROM label l WHERE l.brand_id = p.brand_id"
        "  AND l.purchase_id = p.id AND l.state = 'bought')"
        " AND p.ship_to_sha256 <> sha256(convert_to(concat_ws(E'\\x1f', r.name, r.company, r.street, r.city,"
        "  r.region, r.postcode, r.country), 'UTF8'))"
        " UNION ALL SELECT DISTINCT 'shipment ' || s.id FROM shipment s JOIN shipment_line l"
        "  ON l.brand_id = s.brand_id AND l.shipment_id = s.id"
        " JOIN orders o ON o.brand_id = l.brand_id AND o.id = l.order_id"
        " JOIN recipient theirs ON theirs.brand_id = s.brand_id AND theirs.id = s.recipient_id"
        " JOIN recipient own ON own.brand_id = o.brand_id AND own.id = o.recipient_id"
        " WHERE s.state NOT IN ('handed_over', 'delivered', 'cancelled') AND l.quantity > 0"
        " AND own.id <> theirs.id AND own.key <> theirs.key",
    ),
)

LABELS: Final = (
    Check(
        "L1",
        "at most one live label a package; exactly one on what was handed over",
        "SELECT 'package ' || package_id AS id FROM label WHERE state IN ('calling', 'unknown', 'bought')"
        " GROUP BY brand_id, package_id HAVING count(*) > 1"
        " UNION ALL SELECT 'package ' || p.id FROM package p WHERE p.state IN ('handed_over', 'delivered')"
        " AND (SELECT count(*) FROM label l WHERE l.brand_id = p.brand_id AND l.package_id = p.id"
        "  AND l.state = 'bought') <> 1",
    ),
    Check(
        "L3",
        "shipped once: what left equals what lies in the packages that left",
        "SELECT 'line ' || l.id AS id FROM order_line l LEFT JOIN (SELECT sl.brand_id, sl.order_line_id,"
        "  sum(pl.quantity) AS quantity FROM package p JOIN package_line pl"
        "   ON pl.brand_id = p.brand_id AND pl.package_id = p.id"
        "  JOIN shipment_line sl ON sl.brand_id = pl.brand_id AND sl.id = pl.shipment_line_id"
        "  WHERE p.state IN ('handed_over', 'delivered') GROUP BY 1, 2) left_us"
        " ON left_us.brand_id = l.brand_id AND left_us.order_line_id = l.id"
        " WHERE coalesce(left_us.quantity, 0) <> l.shipped"
        " UNION ALL SELECT 'sku ' || coalesce(m.sku_id, l.sku_id) FROM (SELECT brand_id, sku_id,"
        "  sum(quantity) AS quantity FROM stock_move WHERE account = 'shipped' GROUP BY 1, 2) m"
        " FULL JOIN (SELECT brand_id, sku_id, sum(shipped) AS quantity FROM order_line"
        "  WHERE shipped > 0 GROUP BY 1, 2) l USING (brand_id, sku_id)"
        " WHERE coalesce(m.quantity, 0) <> coalesce(l.quantity, 0)",
    ),
    Check(
        "L4",
        "no label, and no question to a carrier, is in doubt for over 15 minutes without a task for a person",
        "SELECT 'purchase ' || id AS id FROM label_purchase WHERE state IN ('calling', 'unknown')"
        " AND asked_at < :real_now - interval '15 minutes' AND NOT needs_person"
        " UNION ALL SELECT 'amendment ' || id FROM amendment WHERE state IN ('calling', 'unknown')"
        " AND asked_at < :real_now - interval '15 minutes' AND NOT needs_person",
    ),
)

MESSAGES: Final = (
    Check(
        "M3",
        "every callback is kept once and understood",
        "SELECT 'callback ' || i.id AS id FROM inbox_event i WHERE i.state = 'pending'"
        " AND i.received_at < :real_now - interval '60 seconds'"
        " AND NOT EXISTS (SELECT 1 FROM job j WHERE j.state IN ('ready', 'running')"
        "  AND j.kind = 'delivery.fold' AND j.args ->> 'inbox_id' = i.id::text)"
        " UNION ALL SELECT account_id || ' ' || event_id FROM inbox_event GROUP BY account_id, event_id"
        " HAVING count(*) > 1",
    ),
    Check(
        "M4",
        "nothing that is due waits for over 60 seconds",
        "SELECT 'job ' || id || ' ' || kind AS id FROM job WHERE (state = 'ready'"
        "  AND run_at < :now - interval '60 seconds' AND retry_at < :real_now - interval '60 seconds')"
        " OR (state = 'running' AND lease_until < :real_now - interval '60 seconds')"
        " UNION ALL SELECT 'shipment ' || s.id FROM shipment s WHERE s.state = 'held'"
        " AND s.release_at < :now - interval '60 seconds' AND NOT EXISTS (SELECT 1 FROM shipment_line l"
        "  JOIN hold h ON h.brand_id = l.brand_id AND h.order_id = l.order_id"
        "  AND (h.shipment_id IS NULL OR h.shipment_id = s.id)"
        "  WHERE l.brand_id = s.brand_id AND l.shipment_id = s.id"
        "  AND (h.lifted_at IS NULL OR h.lifted_at > :now - interval '60 seconds'))",
    ),
)

_BRAND_TABLES = (
    "(SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relowner FROM pg_class c"
    " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND (c.relname = 'brand'"
    "  OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'brand_id'"
    "   AND NOT a.attisdropped)))"
)

TENANTS: Final = (
    Check(
        "T1",
        "no row can point at another brand's row: every foreign key between brands' tables carries the brand",
        "SELECT k.conname AS id FROM pg_constraint k"
        f" JOIN {_BRAND_TABLES} child ON child.oid = k.conrelid"
        f" JOIN {_BRAND_TABLES} parent ON parent.oid = k.confrelid AND parent.relname <> 'brand'"
        " WHERE k.contype = 'f' AND (NOT k.convalidated OR NOT EXISTS (SELECT 1 FROM"
        "  unnest(k.conkey, k.confkey) AS pair(own, other)"
        "  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.own AND a.attname = 'brand_id'"
        "  JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.other AND b.attname = 'brand_id'))",
    ),
    Check(
        "T2",
        "row-level security is forced on every brand's table, for a role that cannot pass it",
        f"SELECT 'table ' || t.relname AS id FROM {_BRAND_TABLES} t"
        " WHERE NOT t.relrowsecurity OR NOT t.relforcerowsecurity OR NOT EXISTS (SELECT 1 FROM pg_policy p"
        "  WHERE p.polrelid = t.oid AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL)"
        " UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname = current_user"
        "  AND (rolsuper OR rolbypassrls)"
        f" UNION ALL SELECT 'owner of ' || t.relname FROM {_BRAND_TABLES} t"
        "  WHERE pg_get_userbyid(t.relowner) = current_user"
        " UNION ALL SELECT 'view ' || c.relname FROM pg_class c WHERE c.relkind IN ('v', 'm')"
        "  AND c.relnamespace = 'public'::regnamespace"
        "  AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)",
    ),
)

CHECKS: Final = (*STOCK, *ORDERS, *LABELS, *MESSAGES, *TENANTS)
