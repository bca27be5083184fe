# SPDX-License-Identifier: Apache-2.0
"""A simulated person reads a screen as a browser without scripts does."""

import httpx

from wms.replay.pages import Form, Page

HTML = """<body><p class="banner stop">Wrong place:
  this is A-01.</p>
<p class="huge code">A-02-1</p><p class="item"><b>3 ×</b> Tea &amp; towel</p>
<form method="post" action="/floor/pick/7/tote">
  <input type="hidden" name="slot" value="2"><input name="tote" value="">
  <input type="radio" name="size" value="S"><input type="radio" name="size" value="M" checked>
  <input type="checkbox" name="confirm" value="true"></form>
<form action="/floor/pick/7"><input name="location"></form>"""


def _page(status: int, html: str) -> Page:
    return Page(httpx.Response(status, html=html, request=httpx.Request("GET", "http://floor/floor/pick/7?done=1")))


def test_a_form_keeps_what_is_in_its_fields_and_leaves_out_what_is_not_chosen() -> None:
    page = _page(409, HTML)
    assert page.form("/tote") == Form("post", "/floor/pick/7/tote", {"slot": "2", "tote": "", "size": "M"})
    assert page.form(page.address) == Form("get", "/floor/pick/7", {"location": ""})
    assert page.form("/close") is None


def test_words_are_read_without_their_markup() -> None:
    page = _page(409, HTML)
    item = page.find("p", "item")
    assert item is not None
    assert item.text == "3 × Tea & towel"
    assert page.refusal == "Wrong place: this is A-01."
    assert page.find("p", "huge", "small") is None


def test_an_answer_without_a_banner_is_told_by_its_status() -> None:
    assert _page(500, "<p>Oh no</p>").refusal == "the answer was 500."
