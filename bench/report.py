"""Figures and the bars they must reach."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value. `at_most` or `at_least` is the bar; with neither it is shown for comparison."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    how: str = ""

    @property
    def reached(self) -> bool:
        over = self.at_most is not None and self.value > self.at_most
        under = self.at_least is not None and self.value < self.at_least
        return not (over or under)

    def row(self) -> str:
        bar = ""
        if self.at_most is not None:
            bar = f"≤ {_number(self.at_most)} {self.unit}"
        elif self.at_least is not None:
            bar = f"≥ {_number(self.at_least)} {self.unit}"
        verdict = ("yes" if self.reached else "NO") if bar else ""
        cells = (self.name, f"{_number(self.value)} {self.unit}".strip(), bar.strip(), verdict, self.how)
        return "| " + " | ".join(cells) + " |"


HEAD = "| what | measured | must reach | reached | how |\n|---|---|---|---|---|"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    return "\n".join([HEAD, *(figure.row() for figure in figures)])


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
