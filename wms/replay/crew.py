# SPDX-License-Identifier: Apache-2.0
"""Simulated people: they read what the floor's screens say, and type and scan what a person would.

A crew is a picker with a cart and the packer who empties it. Crews work side by side; which crew gets which shipment is
left to chance, and nothing that a brand or a shopper sees depends on it.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from wms.replay.pages import Element, Handheld, Page
from wms.replay.sales import ReplayError
from wms.replay.world import CARTONS, Article, World

# Packers leave room between the goods.
_FILL_MAX: Final = 0.8
_LABEL_SECONDS: Final = 120
_LOOK_AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, order=True)
class Parcel:
    """A labelled box. ``refs`` are its orders, ``number`` counts the boxes of one shipment."""

    refs: tuple[str, ...]
    number: int
    tracking_number: str


class WentHomeError(Exception):
    """The crew stopped because the play did; whoever made it stop says why."""


@dataclass
class Crew:
    """One cart's people and its totes, which are empty whenever nobody works."""

    world: World
    picker: Handheld
    packer: Handheld
    totes: tuple[str, ...]
    going_home: threading.Event

    def work(self) -> list[Parcel]:
        """Picks, packs and labels until nothing waits; returns the parcels that are ready for the dock."""
        try:
            return self._work()
        except BaseException:
            # What stops one crew stops the play, so nobody else begins anything.
            self.going_home.set()
            raise

    def _work(self) -> list[Parcel]:
        parcels: list[Parcel] = []
        while totes := self._pick():
            benches = [self._pack(tote) for tote in totes]
            # The first label has arrived while the last tote was being packed.
            for bench in benches:
                parcels.extend(self._label(bench))
        return parcels

    def _pick(self) -> list[str]:
        """Walks once; returns the totes that came back full, or none where nothing waits."""
        page = self.picker.open("/floor/pick")
        page = self.picker.submit(page.form("/floor/pick"), slots=len(self.totes))
        here, used, empty = page.address, list[str](), iter(self.totes)
        if here == "/floor/pick":
            return []
        while not self.going_home.is_set():
            if (form := page.form(f"{here}/tote")) is not None:
                used.append(next(empty))
                page = self.picker.submit(form, tote=used[-1])
            elif page.form(here) is not None:
                page = self._pick_stop(page, here)
            else:
                return used
        raise WentHomeError

    def _pick_stop(self, page: Page, here: str) -> Page:
        location = _said(page, "huge", "code")
        name = _said(page, "item").partition("× ")[2]
        article = self.world.shelves[location, name]
        # The first two scans of a stop only make up the address of the third.
        page = self.picker.open(here, location=location, item=article.barcode)
        return self.picker.submit(page.form(here), tote=_said(page, "huge", "code"))

    def _pack(self, tote: str) -> str:
        """Packs what is in a tote and asks for its labels; returns the address of its bench."""
        page = self.packer.open("/floor/pack", tote=tote)
        bench = page.address
        if page.form(f"{bench}/item") is None:
            raise ReplayError(f"Tote {tote} cannot be packed: {page.refusal}")
        for box in boxes_for(self._in_tote(page)):
            form = page.form(f"{bench}/item")
            for article, quantity in box:
                if self.going_home.is_set():
                    raise WentHomeError
                self.packer.scan(form, item=article.barcode, quantity=quantity)
            page = self._close(bench, box)
        return bench

    def _in_tote(self, page: Page) -> list[tuple[Article, int]]:
        goods = page.find("ul", "items")
        assert goods is not None, "A bench shows what is in the tote."
        found = []
        for row in goods.walk():
            if row.tag == "li":
                count, words = (part for part in row.inside if isinstance(part, Element))
                code = next(part for part in words.walk() if part.tag == "small").text
                packed, picked = count.text.split("/")
                found.append((self.world.articles[code], int(picked) - int(packed)))
        return found

    def _close(self, bench: str, box: "Box") -> Page:
        carton, weight_g = carton_for(box)
        form = self.packer.open(bench, closing="true").form("/close")
        if form is None:
            raise ReplayError(f"The box at {bench} cannot be closed.")
        answer = self.packer.post(form, carton=carton, weight=weight_g)
        if answer.has_redirect_location:
            return self.packer.open(answer.headers["location"])
        page = Page(answer)
        if not any(one.attributes.get("name") == "confirm" for one in page.find_all("input")):
            raise ReplayError(f"The box at {bench} cannot be closed: {page.refusal}")
        # A light article in a heavy box looks wrong to the scale; the packer weighs again and says so.
        return self.packer.submit(page.form("/close"), carton=carton, weight=weight_g, confirm="true")

    def _label(self, bench: str) -> list[Parcel]:
        """Waits for the labels of one shipment, prints them, sticks them on and scans them."""
        page = self._await_labels(bench)
        parcels = []
        while (form := page.form("/scan")) is not None:
            parcel = _next_parcel(page)
            self._print(page, parcel)
            parcels.append(parcel)
            page = self.packer.submit(form, label=parcel.tracking_number)
        return parcels

    def _await_labels(self, bench: str) -> Page:
        give_up_at = time.monotonic() + _LABEL_SECONDS
        while True:
            page = self.packer.open(bench)
            if page.form("/scan") is not None:
                return page
            if page.form("/labels") is not None or time.monotonic() > give_up_at:
                raise ReplayError(f"No label came at {bench}: {_said(page, 'item')}")
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _print(self, page: Page, parcel: Parcel) -> None:
        form = page.form("/print")
        assert form is not None, "A labelled box can be printed."
        answer = self.packer.post(form)
        if answer.status_code == 400:
            # The first print was made, but its answer was lost on the way.
            answer = self.packer.post(form, reason="It did not come out")
        if not answer.content.startswith(b"%PDF"):
            raise ReplayError(f"The label of {parcel.tracking_number} was not printed: {Page(answer).refusal}")


Box = list[tuple[Article, int]]


def boxes_for(goods: Iterable[tuple[Article, int]]) -> list[Box]:
    """Returns how a packer fills the largest cartons, one after the other, in the sequence of the screen."""
    room_mm3, room_g = _room(CARTONS[-1])
    boxes: list[Box] = [[]]
    left_mm3, left_g = room_mm3, room_g
    for article, quantity in goods:
        while quantity:
            fitting = min(quantity, int(left_mm3 // article.volume_mm3), left_g // article.weight_g)
            if fitting:
                boxes[-1].append((article, fitting))
                quantity -= fitting
                left_mm3, left_g = left_mm3 - fitting * article.volume_mm3, left_g - fitting * article.weight_g
            else:
                boxes.append([])
                left_mm3, left_g = room_mm3, room_g
    return [box for box in boxes if box]


def carton_for(box: Box) -> tuple[str, int]:
    """Returns the smallest carton that holds the box, and what the scale says: goods and carton, in grams."""
    volume_mm3 = sum(article.volume_mm3 * quantity for article, quantity in box)
    goods_g = sum(article.weight_g * quantity for article, quantity in box)
    for carton in CARTONS:
        room_mm3, room_g = _room(carton)
        if volume_mm3 <= room_mm3 and goods_g <= room_g:
            return carton[0], goods_g + carton[3]
    raise AssertionError("A box is never filled beyond the largest carton.")


def _room(carton: tuple[str, str, tuple[int, int, int], int, int]) -> tuple[float, int]:
    _, _, (length, width, height), own_g, max_g = carton
    return length * width * height * _FILL_MAX, max_g - own_g


def _said(page: Page, *classes: str) -> str:
    found = page.find("p", *classes)
    return found.text if found else ""


def _next_parcel(page: Page) -> Parcel:
    """Returns the box that the screen wants labelled now; its own paper lists the tracking number."""
    number = int(_said(page, "label").split()[1])
    heading = next(one for one in page.find_all("h2") if one.attributes.get("id") == "what")
    refs = "".join(part for part in heading.inside if isinstance(part, str)).split(",")
    for box in page.find_all("article", "box"):
        title, *rest = box.walk()
        if title.text.split()[1] == str(number):
            code = next(part for part in rest if part.tag == "p" and "code" in part.classes)
            return Parcel(tuple(sorted(ref.strip() for ref in refs)), number, code.text)
    raise ReplayError(f"The screen names box {number} and does not show it.")


def hand_over(world: World, docker: Handheld, parcels: Sequence[Parcel]) -> None:
    """Scans every parcel out to the carrier's driver and closes the manifest."""
    gate = f"/floor/dock/{world.account_id}"
    form = docker.open(gate).form(gate)
    for parcel in parcels:
        docker.scan(form, label=parcel.tracking_number)
    docker.submit(docker.open(gate).form("/close"))
