# SPDX-License-Identifier: Apache-2.0
"""Paper out: PDF files, always as downloads and never guessed at by a browser."""

from litestar import Response


def pdf(content: bytes, name: str) -> Response[bytes]:
    """Returns a PDF as a download. ``name`` is made of our own ids, so it needs no quoting."""
    return Response(
        content,
        media_type="application/pdf",
        status_code=200,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
