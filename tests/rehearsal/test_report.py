"""The report: one screen of text, JSON, JUnit."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree.ElementTree import fromstring

from membership_refactor.inspect.sizes import WIDTH
from membership_refactor.rehearsal import Finding, Kind, Rehearsal, report
from membership_refactor.rehearsal.findings import CANNOT_SHOW, Leg, merged

REFUSED = Finding(
    kind=Kind.REFUSED,
    stages=("0005 up",),
    what='42P01 relation "audit" does not exist',
    before="INSERT 0 1; audit: 1 inserted",
    sqlstate="42P01",
    table="t, old statements",
    roles=("clerk",),
    statements=("INSERT a copy of the row",),
)
STOP = Finding(kind=Kind.STOPS, stages=("0007 up",), what="index row size 3880 exceeds")
EXPECTED = replace(REFUSED, expected="the old name is gone")
DONE = Rehearsal(
    plan="orders",
    schema="public",
    database="postgresql://host/shop",
    scratch="database x on the same server",
    pg_dump="pg_dump 15.18",
    rows=1234,
    hard={"gaps in the key": 20},
    roles=("clerk",),
    tried=5000,
    seconds=61,
    left_out=("event trigger watcher: it would fire",),
    legs=[
        Leg(stage="0005 up", name="retire_source", seconds=0.5),
        Leg(stage="0005 up", name="statements", seconds=1.5, probes=50),
    ],
    findings=[REFUSED, STOP, EXPECTED],
)


def test_the_verdict_comes_first_and_what_cannot_be_shown_last() -> None:
    lines = report.as_text(DONE).splitlines()
    assert "2 findings, which" in lines[0]
    assert "Hard cases among the rows: gaps in the key (20)." in lines
    text = "\n".join(lines)
    assert text.index("before   INSERT 0 1") < text.index("now      42P01") < text.index("0007 up")
    assert text.index("To be expected") < text.index("Not in the clone: event trigger watcher")
    assert CANNOT_SHOW[-1].split()[-1] in lines[-1]
    assert max(map(len, lines)) <= WIDTH
    fine = report.as_text(replace(DONE, findings=[EXPECTED]))
    assert fine.splitlines()[0].endswith("nothing was found.")


def test_the_same_at_several_stages_is_one_finding() -> None:
    again = replace(REFUSED, stages=("0006 up",), roles=("packer",), statements=("DELETE the row",))
    (one,) = merged([REFUSED, again, REFUSED])
    assert (one.stages, one.roles, one.count) == (("0005 up", "0006 up"), ("clerk", "packer"), 3)
    assert one.statements == ("INSERT a copy of the row", "DELETE the row")
    assert len(merged([REFUSED, STOP, EXPECTED])) == 3
    assert "0005 up … 0006 up" in report.as_text(replace(DONE, findings=[one]))


def test_json_has_everything() -> None:
    document = json.loads(json.dumps(report.as_values(DONE)))
    assert document["fine"] is False
    assert [f["kind"] for f in document["findings"]] == ["refused", "the chain stops", "refused"]
    assert document["cannot_show"] == list(CANNOT_SHOW)


def test_junit_has_a_case_for_each_leg_and_one_failure_for_each_finding() -> None:
    suite = fromstring(report.as_junit(DONE))[0]
    cases = {(c.get("classname"), c.get("name")): c for c in suite}
    stage = "membership_refactor.rehearsal.0005 up"
    assert cases[stage, "retire_source"].find("failure") is None
    failure = cases[stage, "statements"].find("failure")
    assert failure is not None and "42P01" in (failure.get("message") or "")
    assert suite.get("failures") == "2"
    assert suite.get("tests") == "3"
