# SPDX-License-Identifier: Apache-2.0
"""The documentation page, rendered from the OpenAPI document on the server."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin
from markupsafe import Markup, escape

_HERE = Path(__file__).parent
_METHODS = ("get", "put", "post", "delete")
_LISTED_VALUES_MAX = 12


@get("/style.css", include_in_schema=False, sync_to_thread=False)
def _style() -> Response[bytes]:
    return Response((_HERE / "static" / "docs.css").read_bytes(), media_type="text/css")


class PagePlugin(OpenAPIRenderPlugin):
    """Serves the page at the root of the documentation."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def receive_router(self, router: Router) -> None:
        router.register(_style)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        # The document names types that only its JSON form spells out.
        document = json.loads(self.render_json(request, openapi_schema))
        html = _environment().get_template("docs.html").render(api=_Document(document), document=document)
        return html.encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    return environment


def prose(text: str | None) -> Markup:
    """Returns paragraphs with `code` and **strong** words: all that our descriptions use of Markdown."""
    paragraphs = []
    for paragraph in (text or "").strip().split("\n\n"):
        marked = str(escape(" ".join(paragraph.split())))
        marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", marked)
        paragraphs.append("<p>" + re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked) + "</p>")
    return Markup("\n").join(Markup(paragraph) for paragraph in paragraphs)  # noqa: S704 - escaped above.


class _Document:
    """Reads the OpenAPI document the way the page shows it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def operations(self, tag: str) -> list[dict[str, Any]]:
        """Returns the operations of a tag with their path and method."""
        return [
            {"path": path, "method": method, "parameters": [], "requestBody": None, "description": "", **item[method]}
            for path, item in self.document["paths"].items()
            for method in _METHODS
            if method in item and tag in item[method].get("tags", [])
        ]

    def schemas(self) -> dict[str, Any]:
        schemas: dict[str, Any] = self.document["components"].get("schemas", {})
        return {name: self.fields(schema) for name, schema in sorted(schemas.items()) if "properties" in schema}

    def fields(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Returns a schema's description and its fields, required ones first as they were written."""
        required = schema.get("required", [])
        fields = [
            {
                "name": name,
                "type": self.type_of(field),
                "required": name in required,
                "default": json.dumps(field["default"]) if "default" in field else None,
                "description": field.get("description", ""),
            }
            for name, field in schema["properties"].items()
        ]
        return {"description": schema.get("description", ""), "fields": fields}

    def type_of(self, schema: dict[str, Any]) -> Markup:
        """Returns a type in words, with links to the schemas that it names."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            target = self.document["components"]["schemas"].get(name, {})
            if "enum" in target:
                return self.type_of(target)
            return Markup('<a href="#schema-{0}">{0}</a>').format(name)
        for choice in ("oneOf", "anyOf", "allOf"):
            if choice in schema:
                return Markup(" or ").join(self.type_of(one) for one in schema[choice])
        if "enum" in schema:
            shown = schema["enum"][:_LISTED_VALUES_MAX]
            return Markup(" | ").join(Markup("<code>{}</code>").format(json.dumps(value)) for value in shown)
        if schema.get("type") == "array":
            return Markup("list of {}").format(self.type_of(schema.get("items", {})))
        return Markup("{}").format(_plain(schema))

    def contents(self, holder: dict[str, Any]) -> list[tuple[str, Markup]]:
        """Returns the media types of a body or an answer, and what each holds."""
        content = holder.get("content") or {}
        return [(kind, self.type_of(media.get("schema") or {})) for kind, media in content.items()]


def _plain(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "anything")
    named = " or ".join(kind) if isinstance(kind, list) else str(kind)
    words = [named]
    if schema.get("format"):
        words.append(f"({schema['format']})")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        words.append(f"{'' if low is None else int(low)}…{'' if high is None else int(high)}")
    if schema.get("maxLength"):
        words.append(f"up to {schema['maxLength']} characters")
    return " ".join(words)
