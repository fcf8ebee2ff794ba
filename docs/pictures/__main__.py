"""Writes every picture beside this file."""

from __future__ import annotations

from pathlib import Path

from docs.pictures import split, stages, switch, writers

FOLDER = Path(__file__).parent
PICTURES = {"split": split, "stages": stages, "switch": switch, "writers": writers}


def texts() -> dict[Path, str]:
    """The text of every picture, by its file."""
    return {FOLDER / f"{name}.svg": made.draw().svg() for name, made in PICTURES.items()}


if __name__ == "__main__":
    for file, text in texts().items():
        file.write_text(text, encoding="utf-8")
