"""Why a target is missed: the profile of what takes the time, and what was tried."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.musthold import Line

REASONS = (
    (
        "server CPU of 0003 and 0006-0008",
        "The copy with its indexes and keys costs 1.04 times what the offline minimum pays for it, "
        "and the parents cost no more than there. The rest is 0008: it lists the children whose "
        "values lose (one join of both tables), writes the winning values to them, and validates "
        "NOT NULL. No offline copy does this. At 400,000 rows it is 1.7 of 10.3 s.",
    ),
    (
        "wall time of the same, two workers",
        "Steps wait where the offline minimum does not: before the first batch the probe learns "
        "how long an idle transaction takes (0.45 s; the next step takes it over), and each "
        "batch and each index build gives way to others. Two workers do not halve the rest: "
        "the build of an index is one action.",
    ),
    (
        "server CPU of 0003-0010",
        "It is the move and the checks together. Each of the two has its own line in the targets.",
    ),
    (
        "server CPU of the checks alone",
        "More than half of the largest one, which compares source and copy at 0003, is the uuid of "
        "each row, computed anew from its key; comparing 18 columns is a fifth, and the join an "
        "eighth. The join of parents with children at 0007 and at 0008 comes next. What an earlier "
        "step has proved is not read again. Tried: one pass for checks that read the same rows "
        "(kept). A unique index is not taken as a proof.",
    ),
    (
        "writers' p99",
        "It is made of the first calls of each session after a switch, not of locks: such a call "
        "takes 9 ms where a later one takes 0.7 ms. A third of that compiles the plpgsql of the "
        "new triggers, a fifth parses their queries, and a fifth plans them. Tried: booleans "
        "in place of comparisons of rows (no gain); two triggers with unlike WHEN would spare "
        "an eighth.",
    ),
    (
        "capture both ways, single",
        "Two triggers with a query of a transition table each are a third of such a statement. "
        "The way to the server and back, which the application pays once more for its second "
        "statement, is another. Tried: ARRAY in place of an aggregate (kept: INSERT 1.30 to 1.12); "
        "no second call where the first came from capture (it lost the writes of other triggers).",
    ),
    (
        "capture both ways, INSERT",
        "A third of capture's INSERT of 18,000 rows checks foreign keys, as the application's. "
        "What it pays more: the row trigger that gives the link (a tenth), reading the rows again "
        "by their ids (7 %), INSERT with ON CONFLICT, and the look whether the other side has to "
        "follow (2 %). Not tried: a WHEN that spares the row trigger.",
    ),
    (
        "capture both ways, DELETE",
        "A DELETE of many rows is cheap without capture: it only marks each row. Capture reads the "
        "keys of the gone rows from the transition table, and sorts them. As a range, or as an "
        "array, 1,000 rows went from 4.2 to 2.0 times the application.",
    ),
    (
        "change log",
        "One row is written to the log for each row. Where the statement itself writes little (a "
        "DELETE only marks its rows), that weighs more.",
    ),
    (
        "time of membership-refactor status",
        "Four fifths of it are imports, a third of those SQLAlchemy's. Where Python may not keep "
        "bytecode, a quarter of the imports compiles the text again.",
    ),
    (
        "time of 0009 down",
        "The way down fills wide columns of rows that stand, in batches that writers can bear. "
        "Half of it is the new version of each row with its entries in all indexes (nine records "
        "of WAL a row; 0003 fills an empty table and builds its indexes afterwards), a third the "
        "row trigger that reads the parent once more, an eighth the locks on the parents. Not "
        "tried: to leave out the trigger for these batches. A link that changes while a batch "
        "waits for the row needs it.",
    ),
    (
        "time of 0008 down",
        "The way up writes few rows where groups are small. The way down reads more: it computes "
        "the uuid of each child and of each parent to keep those that have another one (two "
        "fifths), looks for parents without children (an eighth), and gives back what had been "
        "replaced.",
    ),
)
"""By how the target's name begins; the first that fits."""


def reason(what: str) -> str:
    found = (text for start, text in REASONS if what.startswith(start))
    return next(found, "Not looked into.")


def explained(lines: Iterable[Line]) -> str:
    """A list of the missed targets with their reasons; those with one reason stand together."""
    missed: dict[str, list[str]] = {}
    for line in lines:
        if line.verdict == "missed":
            missed.setdefault(reason(line.what), []).append(line.what)
    return "\n".join(f"- **{'; '.join(whats)}.** {why}" for why, whats in missed.items())
