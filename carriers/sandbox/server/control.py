# SPDX-License-Identifier: Apache-2.0
"""``/sandbox``: the hands behind the carrier. No key, because it listens to its own machine only."""

import base64
import json
from urllib.parse import parse_qs

from litestar import Response, delete, get, post, put
from litestar.params import FromPath
from pydantic import AwareDatetime, BaseModel, ConfigDict

from carriers.sandbox.server import amendments, page
from carriers.sandbox.server.amendments import DecisionBody, Mode
from carriers.sandbox.server.answers import Answer, RefusalError, to_json
from carriers.sandbox.server.faults import FaultPlan
from carriers.sandbox.server.office import Office
from carriers.sandbox.server.parcels import AdvanceBody
from carriers.sandbox.server.wire import Wire, office_of, read, reply


class ClockBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    now: AwareDatetime


class ModeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mode: Mode | None


@get("/sandbox", sync_to_thread=True)
def show_page(request: Wire) -> Response[str]:
    """The parcels, newest first, with buttons that push them on."""
    return Response(page.render(office_of(request)), media_type="text/html")


@post("/sandbox/parcels/{number:str}/advance")
async def advance(request: Wire, number: FromPath[str]) -> Response[bytes]:
    """Let something happen to a parcel. JSON gets the event back, the page's form gets the page."""
    office = office_of(request)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs((await request.body()).decode())
        office.advance(number, AdvanceBody(status=form.get("status", [""])[0]))
        return Response(b"", status_code=303, headers={"location": "/sandbox"})
    return reply(Answer(200, to_json(office.advance(number, await read(request, AdvanceBody)))))


@post("/sandbox/amendments/{amendment_id:str}/decide")
async def decide(request: Wire, amendment_id: FromPath[str]) -> Response[bytes]:
    """Answer a question. JSON gets the answer back, the page's form gets the page."""
    office = office_of(request)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs((await request.body()).decode())
        office.decide(amendment_id, DecisionBody(accepted=form.get("accepted", [""])[0] == "yes"))
        return Response(b"", status_code=303, headers={"location": "/sandbox"})
    return reply(Answer(200, to_json(office.decide(amendment_id, await read(request, DecisionBody)))))


@get("/sandbox/parcels/{number:str}/label.pdf", sync_to_thread=True)
def show_label(request: Wire, number: FromPath[str]) -> Response[bytes]:
    """The label as it was sold."""
    with office_of(request).store.transaction() as db:
        row = db.execute(
            "SELECT s.answer FROM parcel p JOIN shipment s ON s.id = p.shipment_id WHERE p.tracking_number = ?",
            (number,),
        ).fetchone()
    if row is None:
        raise RefusalError(404, "no_such_parcel", "There is no such parcel.")
    pieces = json.loads(row["answer"])["pieces"]
    label = next(piece["label"] for piece in pieces if piece["tracking_number"] == number)
    return Response(base64.b64decode(label["pdf"]), media_type="application/pdf")


# The paths with several methods are asynchronous throughout: the framework wraps a threaded handler anew for
# each method beyond the second on its path, and the wrapped result is never awaited.
@get("/sandbox/amendments")
async def show_amendments(request: Wire) -> Response[bytes]:
    """How questions are answered now, and the questions, the open ones first."""
    return reply(_amendments(office_of(request)))


@put("/sandbox/amendments")
async def set_amendments(request: Wire) -> Response[bytes]:
    """Answer at once from now on, or wait for a person; null is what the carrier does by itself."""
    office = office_of(request)
    amendments.set_mode(office.store, (await read(request, ModeBody)).mode)
    return reply(_amendments(office))


@get("/sandbox/faults")
async def show_faults(request: Wire) -> Response[bytes]:
    """The faults in force, with what is left of each count."""
    return reply(_faults(office_of(request)))


@put("/sandbox/faults")
async def set_faults(request: Wire) -> Response[bytes]:
    """Replace all faults."""
    office = office_of(request)
    office.faults.replace(await read(request, FaultPlan))
    return reply(_faults(office))


@delete("/sandbox/faults", status_code=200)
async def clear_faults(request: Wire) -> Response[bytes]:
    """Work properly again."""
    office = office_of(request)
    office.faults.replace(FaultPlan())
    return reply(_faults(office))


@get("/sandbox/clock")
async def show_clock(request: Wire) -> Response[bytes]:
    """The business time."""
    return reply(_clock(office_of(request)))


@put("/sandbox/clock")
async def freeze_clock(request: Wire) -> Response[bytes]:
    """Stop the business clock at a time."""
    office = office_of(request)
    office.clock.freeze((await read(request, ClockBody)).now)
    return reply(_clock(office))


@delete("/sandbox/clock", status_code=200)
async def unfreeze_clock(request: Wire) -> Response[bytes]:
    """Let the business clock run again."""
    office = office_of(request)
    office.clock.unfreeze()
    return reply(_clock(office))


@get("/sandbox/outbox", sync_to_thread=True)
def show_outbox(request: Wire) -> Response[bytes]:
    """How many pushes are pending, delivered, dead and dropped; nothing pending means all is said."""
    return reply(Answer(200, to_json(office_of(request).pusher.counts())))


def _amendments(office: Office) -> Answer:
    with office.store.transaction() as db:
        return Answer(200, to_json({"mode": office.mode(), "amendments": amendments.newest(db)}))


def _faults(office: Office) -> Answer:
    return Answer(200, office.faults.shown().model_dump_json().encode())


def _clock(office: Office) -> Answer:
    return Answer(200, to_json({"now": office.clock.now().isoformat(), "is_frozen": office.clock.is_frozen}))


HANDLERS = [
    show_page,
    advance,
    show_amendments,
    set_amendments,
    decide,
    show_label,
    show_faults,
    set_faults,
    clear_faults,
    show_clock,
    freeze_clock,
    unfreeze_clock,
    show_outbox,
]
