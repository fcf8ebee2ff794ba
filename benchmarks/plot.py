"""The plot: CPU, WAL and wall time of every variant, the offline minimum being one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import OFFLINE, Results


def draw(results: Results, file: Path) -> bool:
    """Writes an SVG; False where matplotlib is not installed or there is nothing to compare."""
    best = results.best()
    base = best.get(OFFLINE)
    if base is None:
        return False
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    # The same figures give the same file, so that a repeated run shows no difference by chance.
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
    from matplotlib import pyplot

    names = list(best)
    bars = {
        "server CPU": [best[n].cpu / base.cpu for n in names],
        "WAL": [best[n].wal / base.wal for n in names],
        "wall time": [best[n].wall / base.wall for n in names],
    }
    figure, axes = pyplot.subplots(figsize=(8, 0.75 * len(names) + 1.2))
    height = 0.26
    for n, (label, values) in enumerate(bars.items()):
        places = [i + (n - 1) * height for i in range(len(names))]
        drawn = axes.barh(places, values, height, label=label)
        axes.bar_label(drawn, fmt="%.2f", padding=3, fontsize=8)
    axes.axvline(1.0, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(f"times the offline minimum ({results.rows:,} rows)")
    axes.margins(x=0.12)
    axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
    return True
