# SPDX-License-Identifier: Apache-2.0
"""The windows as a picture: what each saves, and what it makes shoppers wait."""

from collections.abc import Sequence
from pathlib import Path

from reportlab.graphics import renderPDF, renderSVG
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.linecharts import HorizontalLineChart
from reportlab.graphics.shapes import Drawing, String
from reportlab.lib.colors import HexColor

from wms.planning.windows import Outcome

_WIDTH, _HEIGHT, _EDGE = 720, 520, 60
_GREEN, _BLUE, _RED, _INK = HexColor("#2f7d4f"), HexColor("#2563eb"), HexColor("#b4232f"), HexColor("#1f2937")


def draw(outcomes: Sequence[Outcome], title: str) -> Drawing:
    """Returns the chart: parcels saved above, median (blue) and 95th percentile (red) of the delay in minutes below."""
    figures = [outcome.figures() for outcome in outcomes]
    names = [f"{row['window']:g}" for row in figures]
    drawing = Drawing(_WIDTH, _HEIGHT)
    drawing.add(String(_EDGE, _HEIGHT - 24, title, fontSize=14, fillColor=_INK))
    bars = VerticalBarChart()
    bars.data = [[row["saved"] for row in figures]]
    bars.bars[0].fillColor = _GREEN
    bars.barLabelFormat = "%d"
    bars.barLabels.nudge = 8
    _place(bars, drawing, 280, names, "Parcels saved, by edit window in minutes")
    lines = HorizontalLineChart()
    lines.data = [[row["delay_median"] for row in figures], [row["delay_p95"] for row in figures]]
    lines.lines[0].strokeColor, lines.lines[1].strokeColor = _BLUE, _RED
    _place(lines, drawing, 40, names, "Minutes of delay: median (blue) and 95th percentile (red)")
    return drawing


def _place(
    chart: VerticalBarChart | HorizontalLineChart, drawing: Drawing, bottom: int, names: list[str], title: str
) -> None:
    chart.x, chart.y, chart.width, chart.height = _EDGE, bottom, _WIDTH - 2 * _EDGE, 170
    chart.categoryAxis.categoryNames = names
    chart.valueAxis.valueMin = 0
    chart.valueAxis.valueMax = max(max(values) for values in chart.data) * 1.15 or 1
    drawing.add(chart)
    drawing.add(String(_EDGE, bottom + 182, title, fontSize=10, fillColor=_INK))


def write(drawing: Drawing, path: Path) -> None:
    """Writes the chart as SVG or PDF, as the file's name ends."""
    if path.suffix.lower() == ".pdf":
        path.write_bytes(renderPDF.drawToString(drawing))
    else:
        path.write_text(renderSVG.drawToString(drawing), encoding="utf-8")
