"""The page of several runs: their means, and a link to each run's own page.

It has no script. All text from outside is escaped.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from zonekeras.analysis.joining import RunsResult
from zonekeras.configuration_sets import whole_panels
from zonekeras.scores import Score
from zonekeras.store.tidy import FALSE_DISCOVERY_RATE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build_runs_page(result: RunsResult, report_file: str) -> bytes:
    """Returns the page, UTF-8.

    Args:
        result: The joined runs.
        report_file: The name of each run's page, in the run's folder.
    """
    baseline = result.table.iloc[0].to_dict()
    items = result.words.items
    scores = ", ".join(
        f"{score.label} "
        + _mean(baseline[score.name], baseline[f"{score}_score_deviation"])
        for score in result.scores
    )
    page = Template(_asset("runs.html")).substitute(
        title=escape(f"{len(result.names)} runs on {baseline['dataset']}"),
        subtitle=escape(
            f"{scores} with nothing masked; {baseline['num_questions']:,} {items}, "
            f"{baseline['semantics']} semantics"
        ),
        style=_asset("style.css"),
        runs=_runs_table(result, report_file),
        figures="\n".join(_figures(result)),
        effects=_effects_table(result),
        items=items,
        groups=result.words.groups,
        rate=f"{FALSE_DISCOVERY_RATE:.0%}",
    )
    return page.encode("utf-8")


def _runs_table(result: RunsResult, report_file: str) -> str:
    """Returns every run with its baseline's scores."""
    baselines = result.runs.drop_duplicates("run").to_dict("records")
    rows = [
        [
            f'<a href="{quote(row["run"])}/{report_file}">{escape(row["run"])}</a>',
            *(f"{row[f'baseline_{score}']:.3f}" for score in result.scores),
        ]
        for row in baselines
    ]
    return _table(["run", *(score.label for score in result.scores)], rows)


def _figures(result: RunsResult) -> Iterable[str]:
    """Yields the heatmaps of means, as images."""
    from zonekeras.plotting import mean_heatmap, set_heatmap

    if result.table["zone"].notna().any():
        text = "Mean effect of every cell, and its standard deviation over the runs"
        yield _image(mean_heatmap(result), text)
    for name in whole_panels(result.table["configuration"], result.num_layers):
        yield _image(set_heatmap(result, name), f"Mean effects of the set {name}")


def _effects_table(result: RunsResult) -> str:
    """Returns what is known of every configuration."""
    headings = ["configuration"]
    for score in result.scores:
        headings += [f"{score.label} effect", "95 % interval", "q"]
    rows = []
    for row in result.table.iloc[1:].to_dict("records"):
        cells = [escape(row["configuration"])]
        for score in result.scores:
            cells += _effect_cells(row, score)
        rows.append(cells)
    return _table(headings, rows)


def _effect_cells(row: dict[Any, Any], score: Score) -> list[str]:
    star = " *" if row[f"{score}_q"] < FALSE_DISCOVERY_RATE else ""
    return [
        _mean(row[f"{score}_effect"], row[f"{score}_deviation"], "+.2f"),
        f"{_signed(row[f'{score}_low'])} to {_signed(row[f'{score}_high'])}",
        f"{_signed(row[f'{score}_q'], '.3f')}{star}",
    ]


def _mean(mean: float, deviation: float, form: str = ".2f") -> str:
    return f"{_signed(mean, form)} ± {deviation:.2f}"


def _signed(value: float, form: str = "+.2f") -> str:
    return "–" if math.isnan(value) else format(value, form).replace("-", "−")


def _image(figure: Figure, text: str) -> str:
    from zonekeras.plotting.figure_files import figure_bytes

    content = base64.b64encode(figure_bytes(figure, "svg")).decode()
    return (
        f'<p><img alt="{escape(text, quote=True)}" '
        f'src="data:image/svg+xml;base64,{content}"></p>'
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        f'<div class="table-frame"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")
