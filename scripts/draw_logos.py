# SPDX-License-Identifier: Apache-2.0
"""Draws the logos of the two demonstration brands into ``wms/seed``; run again only to change how they look."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SEED = Path(__file__).parents[1] / "wms" / "seed"
WIDTH, HEIGHT, SCALE = 480, 120, 4


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "white")
    return image, ImageDraw.Draw(image)


def _scaled(*numbers: float) -> tuple[float, ...]:
    return tuple(number * SCALE for number in numbers)


def _save(image: Image.Image, draw: ImageDraw.ImageDraw, code: str, name: str, colour: str) -> None:
    draw.text(_scaled(126, 60), name, fill=colour, font=ImageFont.load_default(46 * SCALE), anchor="lm")
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).quantize(32)
    small.save(SEED / f"{code}.png", optimize=True)


def draw_fennel() -> None:
    """A stem with leaves that open upwards."""
    image, draw = _canvas()
    draw.ellipse(_scaled(8, 8, 112, 112), fill="#2f6f4f")
    draw.line(_scaled(60, 98, 60, 26), fill="white", width=5 * SCALE)
    for height, reach in ((80, 30), (62, 24), (44, 17)):
        draw.arc(_scaled(60 - 2 * reach, height - reach, 60, height + reach), 270, 360, "white", 5 * SCALE)
        draw.arc(_scaled(60, height - reach, 60 + 2 * reach, height + reach), 180, 270, "white", 5 * SCALE)
    _save(image, draw, "fennel", "Fennel & Finch", "#2f6f4f")


def draw_juniper() -> None:
    """Two hills and a sun."""
    image, draw = _canvas()
    draw.rounded_rectangle(_scaled(8, 8, 112, 112), 22 * SCALE, fill="#8a3b12")
    draw.ellipse(_scaled(70, 24, 94, 48), fill="#ffd9a8")
    draw.polygon(_scaled(18, 96, 50, 38, 82, 96), fill="white")
    draw.polygon(_scaled(58, 96, 80, 60, 102, 96), fill="#f0cdb8")
    _save(image, draw, "juniper", "Juniper Trail", "#8a3b12")


if __name__ == "__main__":
    draw_fennel()
    draw_juniper()
