# SPDX-License-Identifier: Apache-2.0
"""A screen of the floor as a browser without scripts has it: forms to fill in, and words to read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

import httpx

from wms.platform.ids import uuid7
from wms.replay.sales import ReplayError
from wms.replay.wire import send
from wms.replay.world import Person

_VOID_TAGS: Final = frozenset({"input", "link", "meta", "br", "img", "hr"})


@dataclass
class Element:
    """``text`` is all that stands inside, blanks made single."""

    tag: str
    attributes: dict[str, str]
    inside: list["Element | str"] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        words = (part if isinstance(part, str) else part.text for part in self.inside)
        return " ".join(" ".join(words).split())

    def walk(self) -> Iterator["Element"]:
        """Yields everything inside, in the order of the page."""
        for part in self.inside:
            if isinstance(part, Element):
                yield part
                yield from part.walk()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in _VOID_TAGS:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        # A tag of our own pages that was not closed ends with the one around it.
        if any(element.tag == tag for element in self.open):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


@dataclass(frozen=True)
class Form:
    """Where a form goes, and what is in its fields before anybody types."""

    method: str
    address: str
    fields: dict[str, str]


class Page:
    """One answer of the floor."""

    def __init__(self, answer: httpx.Response) -> None:
        self.address = answer.url.path
        self._status = answer.status_code
        builder = _Builder()
        builder.feed(answer.text)
        self._all = list(builder.open[0].walk())

    def find(self, tag: str, *classes: str) -> Element | None:
        """Returns the first element of this tag that has all of these classes."""
        return next((one for one in self._all if one.tag == tag and one.classes >= set(classes)), None)

    def find_all(self, tag: str, *classes: str) -> list[Element]:
        """Returns all elements of this tag that have all of these classes."""
        return [one for one in self._all if one.tag == tag and one.classes >= set(classes)]

    def form(self, ending: str) -> Form | None:
        """Returns the first form whose address ends like this."""
        for element in self.find_all("form"):
            if element.attributes["action"].endswith(ending):
                return Form(element.attributes.get("method", "get"), element.attributes["action"], _fields_of(element))
        return None

    @property
    def refusal(self) -> str:
        """The sentence in the red banner; where there is none, what the answer was."""
        banner = self.find("p", "banner", "stop")
        return banner.text if banner else f"the answer was {self._status}."


def _fields_of(form: Element) -> dict[str, str]:
    fields = {}
    for one in form.walk():
        kind = one.attributes.get("type", "text")
        is_off = kind in ("checkbox", "radio") and "checked" not in one.attributes
        if one.tag == "input" and "name" in one.attributes and not is_off:
            fields[one.attributes["name"]] = one.attributes.get("value", "")
    return fields


class Handheld:
    """One person's device on the floor: keeps their session, and sends a form again when the answer got lost.

    A form carries the id of its action, so that a form sent twice is done once.
    """

    def __init__(self, api_url: str, person: Person) -> None:
        self._person = person
        self._http = httpx.Client(
            base_url=api_url, headers={"origin": api_url}, timeout=60, trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> "Handheld":
        page = self.open("/floor/login")
        form = page.form("/floor/login")
        assert form is not None, "The login page has its form."
        answer = self.post(form, badge=self._person.badge, pin=self._person.pin)
        if answer.status_code != 303:
            raise ReplayError(f"{self._person.badge} cannot log in: {Page(answer).refusal}")
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def open(self, address: str, **query: Any) -> Page:
        """Returns the page at an address, after its redirects."""
        return Page(send(lambda: self._http.get(address, params=query or None, follow_redirects=True)))

    def post(self, form: Form, **typed: Any) -> httpx.Response:
        """Sends a form with what was typed into it, and returns the answer as it is."""
        body = form.fields | {name: str(value) for name, value in typed.items()}
        return send(lambda: self._http.post(form.address, data=body))

    def submit(self, form: Form | None, **typed: Any) -> Page:
        """Sends a form and returns the page that follows. Raises :class:`ReplayError` with a refusal's sentence."""
        if form is None:
            raise ReplayError(f"{self._person.badge} does not find the form that should be on the screen.")
        answer = self.post(form, **typed)
        if answer.has_redirect_location:
            return self.open(answer.headers["location"])
        if not answer.is_success:
            raise self._refused(answer)
        return Page(answer)

    def scan(self, form: Form | None, **typed: Any) -> None:
        """Sends a form under an action id of the device's own and does not look at the page that follows.

        That is how many scans of one form are made without drawing the screen after each. Raises :class:`ReplayError`.
        """
        if form is None:
            raise ReplayError(f"{self._person.badge} does not find the form that should be on the screen.")
        answer = self.post(form, action=uuid7(), **typed)
        if not answer.has_redirect_location:
            raise self._refused(answer)

    def _refused(self, answer: httpx.Response) -> ReplayError:
        page = Page(answer)
        return ReplayError(f"{self._person.badge} at {page.address}: {page.refusal}")
