"""Makes the page of a report: one HTML text that loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

import membership_refactor
from membership_refactor.inspect.sizes import minute
from membership_refactor.report import canvas, grids, plots, sentences
from membership_refactor.report.canvas import Canvas
from membership_refactor.report.felt_plot import felt_plot
from membership_refactor.report.page_values import ConsumerState, FeltDuring, Report
from membership_refactor.watch.usage_text import when_open


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coming:
    """A step that has not run, as the page shows it."""

    step: str
    title: str
    gates: list[tuple[str, tuple[str, ...]]]
    """Of each gate what it asks and when it opens, and its reasons to be closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strip:
    """The evidence on one structure, as the page shows it."""

    target: str
    picture: Markup | None
    words: str
    holes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Felt:
    """What was felt while a step ran, as the page shows it."""

    about: str
    picture: Markup
    words: str
    grid: grids.Grid


def as_html(report: Report) -> str:
    """The whole page. Everything that comes from a database is escaped."""
    environment = Environment(
        loader=PackageLoader("membership_refactor.report", "."),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = minute
    return environment.get_template("page.html.jinja").render(
        r=report,
        s=sentences,
        grids=grids,
        notices=list(sentences.notices(report)),
        command=report.next_command,
        load=f"{sentences.of_locks(report)} {sentences.of_paused(report)}",
        style=Markup(canvas.STYLE),
        version=membership_refactor.__version__,
        pictures=[(table, _svg(plots.table_picture(table))) for table in report.tables],
        arrow=_arrow(report),
        coming=[_coming(report, n) for n, s in enumerate(report.standing.steps) if s.state != "up"],
        strips=_strips(report),
        consumers=_consumers(report),
        shown=_period(report),
        felt=_felt(report),
    )


def _svg(picture: Canvas) -> Markup:
    # Canvas escapes what it is given.
    return Markup(picture.svg(styled=False))


def _arrow(report: Report) -> Markup | None:
    between = report.structure.between
    there = {table.shape.name for table in report.tables}
    both = all(shape and shape.name in there for shape in (report.structure.left,
                                                           report.structure.right))  # fmt: skip
    return _svg(plots.arrow(between)) if between and both else None


def _coming(report: Report, number: int) -> _Coming:
    step = report.standing.steps[number]
    return _Coming(
        step=step.label,
        title=report.titles.get(step.revision, ""),
        gates=[
            (f"Nobody may use the {g.target} any more: {when_open(g, report.usage)}.", g.reasons)
            for g in sentences.gates_of(report, step.revision)
        ],
    )


def _period(report: Report) -> plots.Period | None:
    moments: list[datetime] = [s.began for s in report.recorded.stretches]
    moments += [scan.at for state in report.consumers for scan in state.scans]
    return plots.period(moments, report.usage.now)


def _strips(report: Report) -> list[_Strip]:
    """One for each structure that a gate asks about, or that was watched."""
    shown, days = _period(report), report.usage.days
    stretches = report.recorded.stretches
    targets = [gate.target for gate in report.usage.gates if gate.asked]
    found = []
    for target in dict.fromkeys((*targets, *(s.target for s in stretches))):
        own = [s for s in stretches if s.target == target]
        words = sentences.of_strip(own, days) if own else "it has not been watched yet"
        picture = None
        if own and shown is not None:
            window = sentences.window_of(report.usage.now, days)
            drawn = plots.evidence_strip(own, shown, window=window, about=target, words=words)
            picture = _svg(drawn)
        holes = sentences.holes_of(own)
        found.append(_Strip(target=target, picture=picture, words=words, holes=holes))
    return found


def _felt(report: Report) -> list[_Felt]:
    """One for each step in each direction in which something was measured."""
    found: dict[tuple[str, str], list[FeltDuring]] = {}
    for during in report.recorded.felt:
        found.setdefault((during.step, during.direction), []).append(during)
    return [
        _Felt(
            about=f"{step} {direction}",
            picture=_svg(
                felt_plot(felt, about=f"{step} {direction}", words=sentences.of_felt(felt))
            ),
            words=sentences.of_felt(felt),
            grid=grids.felt(felt),
        )
        for (step, direction), felt in found.items()
    ]


def _consumers(report: Report) -> list[tuple[ConsumerState, Markup | None]]:
    shown = _period(report)
    return [(state, _plot(state, shown)) for state in report.consumers]


def _plot(state: ConsumerState, shown: plots.Period | None) -> Markup | None:
    if shown is None or not (state.scans or state.used_at):
        return None
    words = "; ".join(filter(None, (sentences.of_scan(state), sentences.of_use(state))))
    return _svg(plots.consumer_plot(state, shown, words))
