# SPDX-License-Identifier: Apache-2.0
"""The page on which a person plays the carrier: plain HTML forms, nothing to build."""

from typing import Final

from jinja2 import Environment

from carriers.sandbox.server import amendments
from carriers.sandbox.server.office import Office
from carriers.sandbox.server.vocabulary import STATUSES

PARCELS_MAX: Final = 200

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox carrier</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1c2530; background: #f4f6f8 }
header { background: #1c2530; color: #fff; padding: 1rem 2rem }
header h1 { font-size: 1.3rem; margin: 0 }
header p { margin: .2rem 0 0; color: #b8c4d0 }
main { padding: 1.5rem 2rem; overflow-x: auto }
h2 { font-size: 1.1rem; margin: 0 0 .6rem } table + h2 { margin-top: 2rem }
table { border-collapse: collapse; width: 100%; background: #fff; border-radius: 8px; overflow: hidden }
th, td { text-align: left; padding: .6rem .8rem; border-bottom: 1px solid #e3e8ed; vertical-align: middle }
th { font-size: .8rem; color: #5a6876; background: #eef1f4 }
code { font-size: .95rem }
small { color: #5a6876 }
.status { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; background: #e3ecf7;
  white-space: nowrap }
.delivered, .accepted { background: #d8f0dd } .voided, .lost, .refused { background: #f6dcdc }
.delivery_failed, .exception, .return_started, .requested { background: #fbeacb }
form { display: flex; gap: .4rem; flex-wrap: wrap }
button { font: inherit; font-size: .85rem; padding: .25rem .7rem; border: 1px solid #9fb0c0;
  border-radius: 6px; background: #fff; cursor: pointer }
button:hover, button:focus-visible { background: #1c2530; color: #fff }
</style>
</head>
<body>
<header>
<h1>Sandbox carrier</h1>
<p>{{ total }} parcels{% if total > parcels|length %}, the newest {{ parcels|length }} shown{% endif %}
&middot; clock {{ now }}{{ " (frozen)" if is_frozen }}
&middot; pushes: {{ outbox.pending }} pending, {{ outbox.delivered }} delivered,
{{ outbox.dead }} dead, {{ outbox.dropped }} dropped</p>
</header>
<main>
{% if amendments %}
<h2>Asked about parcels</h2>
<table>
<thead><tr><th>Parcels</th><th>Asked</th><th>Answer</th><th>Decide</th></tr></thead>
<tbody>
{% for one in amendments %}
<tr>
<td>{% for number in one.numbers %}<code>{{ number }}</code>{% if not loop.last %}<br>{% endif %}{% endfor %}</td>
<td>{{ one.kind|replace("_", " ") }}<br><small>{{ one.wish }}</small></td>
<td><span class="status {{ one.state }}">{{ one.state }}</span>
{% if one.error %}<br><small>{{ one.error.message }}</small>{% endif %}</td>
<td>{% if one.state == "requested" %}
<form method="post" action="/sandbox/amendments/{{ one.id }}/decide">
<button name="accepted" value="yes">accept</button>
<button name="accepted" value="no">refuse</button></form>{% else %}<small>decided</small>{% endif %}</td>
</tr>
{% endfor %}
</tbody>
</table>
<h2>Parcels</h2>
{% endif %}
{% if parcels %}
<table>
<thead><tr><th>Parcel</th><th>To</th><th>Manifest</th><th>State</th><th>Let this happen</th></tr></thead>
<tbody>
{% for parcel in parcels %}
<tr>
<td><a href="/sandbox/parcels/{{ parcel.number }}/label.pdf"><code>{{ parcel.number }}</code></a><br>
<small>{{ parcel.reference }}
{% if parcel.master %} &middot; master {{ parcel.master }}{% endif %}</small></td>
<td>{{ parcel.recipient }}</td>
<td><small>{{ parcel.manifest or "not yet" }}</small></td>
<td><span class="status {{ parcel.status }}">{{ parcel.status|replace("_", " ") }}</span></td>
<td>{% if parcel.following %}<form method="post" action="/sandbox/parcels/{{ parcel.number }}/advance">
{% for status in parcel.following %}
<button name="status" value="{{ status }}">{{ status|replace("_", " ") }}</button>
{% endfor %}</form>{% else %}<small>nothing more</small>{% endif %}</td>
</tr>
{% endfor %}
</tbody>
</table>
{% else %}
<p>No parcel yet. One appears here as soon as somebody buys a label.</p>
{% endif %}
</main>
</body>
</html>
"""
_TEMPLATE: Final = Environment(autoescape=True).from_string(_PAGE)


def render(office: Office) -> str:
    """The page as it is now."""
    with office.store.transaction() as db:
        (total,) = db.execute("SELECT count(*) FROM parcel").fetchone()
        rows = db.execute("SELECT * FROM parcel ORDER BY seq DESC LIMIT ?", (PARCELS_MAX,)).fetchall()
        asked = amendments.newest(db)
    parcels = [
        {
            "number": row["tracking_number"],
            "reference": row["reference"],
            "master": row["master_number"],
            "recipient": row["recipient"],
            "manifest": row["manifest_id"],
            "status": "voided" if row["state"] == "voided" else row["status"],
            "following": () if row["state"] == "voided" else STATUSES[row["status"]].following,
        }
        for row in rows
    ]
    return _TEMPLATE.render(
        total=total,
        parcels=parcels,
        amendments=asked,
        outbox=office.pusher.counts(),
        now=office.clock.now().strftime("%Y-%m-%d %H:%M UTC"),
        is_frozen=office.clock.is_frozen,
    )
