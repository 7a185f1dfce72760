"""Tables: rows of text under headings. `terminal` draws them in colour, others get plain columns."""

from __future__ import annotations

from dataclasses import dataclass

GAP = "   "


@dataclass(frozen=True, slots=True)
class Table:
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def without_empty_columns(self) -> Table:
        kept = [index for index in range(len(self.headings)) if any(row[index] for row in self.rows)]
        return Table(
            headings=tuple(self.headings[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in self.rows),
        )

    def plain(self) -> str:
        """Aligned columns of full width: what reads them may be `grep` or `awk`."""
        lines = [self.headings, *(tuple(" ".join(cell.split()) or "-" for cell in row) for row in self.rows)]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.headings))]
        return "\n".join(
            GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )
