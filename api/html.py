# SPDX-License-Identifier: Apache-2.0
"""HTML out: one template environment, one set of headers, static files named by what is in them."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from wms.platform.errors import NotFound

_ROOMS = {room: Path(__file__).parent / room for room in ("floor", "portal")}

# The other headers of a page, the content security policy first, are put on at the door (`api.door`).
_HEADERS = {"Cross-Origin-Opener-Policy": "same-origin"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([folder / "templates" for folder in _ROOMS.values()]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    environment.globals["colour_url"] = colour_url
    environment.filters["weight"] = weight
    return environment


def weight(grams: int) -> str:
    """Returns grams as people read them."""
    return f"{grams} g" if grams < 1000 else f"{grams / 1000:.2f} kg"


def page(template: str, *, status: int = 200, headers: dict[str, str] | None = None, **context: Any) -> Response[str]:
    """Returns a rendered page. What a template names and nobody gave it is an error, not an empty place."""
    body = _environment().get_template(template).render(**context)
    return Response(body, media_type=MediaType.HTML, status_code=status, headers={**_HEADERS, **(headers or {})})


@lru_cache(maxsize=1)
def _files() -> dict[str, bytes]:
    return {
        f"{room}/{file.name}": file.read_bytes()
        for room, folder in _ROOMS.items()
        for file in sorted((folder / "static").glob("*"))
        if file.suffix in _TYPES
    }


def static_version(name: str) -> str:
    """Returns what stands for the content of a file in its address."""
    return hashlib.sha256(_files().get(name, b"")).hexdigest()[:12]


@lru_cache(maxsize=64)
def static_url(name: str) -> str:
    """Returns the address of ``room/file``, which changes when the file does."""
    return f"/static/{static_version(name)}/{name}"


@get("/static/{version:str}/{room:str}/{file:str}", include_in_schema=False, sync_to_thread=False)
def static_file(version: FromPath[str], room: FromPath[str], file: FromPath[str]) -> Response[bytes]:
    """Serves a style sheet or a script; a page that is older than the file asks for one that is gone."""
    name = f"{room}/{file}"
    content = _files().get(name) if static_version(name) == version else None
    if content is None:
        raise NotFound("There is no such file.")
    return Response(content, media_type=_TYPES[Path(file).suffix], headers=_FOR_EVER)


def colour_url(colour: str) -> str:
    """Returns the style sheet of a brand's colour (``#rrggbb``): pages carry no inline style."""
    return f"/static/colour/{colour.removeprefix('#').lower()}.css"


@get("/static/colour/{sheet:str}", include_in_schema=False, sync_to_thread=False)
def colour_sheet(sheet: FromPath[str]) -> Response[str]:
    """Serves the style sheet of one colour, with the text colour that can be read on it."""
    digits = sheet.removesuffix(".css")
    if len(digits) != 6 or not set(digits) <= set("0123456789abcdef"):
        raise NotFound("There is no such colour.")
    css = f":root {{ --brand: #{digits}; --on-brand: {text_colour(digits)} }}\n"
    return Response(css, media_type=_TYPES[".css"], headers=_FOR_EVER)


def text_colour(digits: str) -> str:
    """Returns black or white, whichever contrasts more with the colour (WCAG 2.2, relative luminance)."""
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"
