"""A portrait survives JSON, and a broken file is named."""

from __future__ import annotations

import json

import pytest

from membership_refactor.errors import WrongUse
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import from_json, to_json
from tests.fixtures.portraits import Catalog
from tests.portrait.everything import HOSTILE


def test_everything_comes_back_from_json_as_it_was(catalog: Catalog) -> None:
    catalog.run([*HOSTILE.statements(), *HOSTILE.surroundings(), *HOSTILE.publication()])
    portrait = catalog.portrait(HOSTILE.schema, [HOSTILE.table, "other", "not there"])

    assert from_json(to_json(portrait)) == portrait
    assert [table.name for table in portrait.tables] == [HOSTILE.table, "other"]


def test_the_same_portrait_gives_the_same_text() -> None:
    portrait = legacy_tables("public")

    assert to_json(from_json(to_json(portrait))) == to_json(portrait)


def _changed(path: tuple[str | int, ...], value: object) -> str:
    document = json.loads(to_json(legacy_tables("public")))
    inner = document
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", 'the document is not a portrait: "format"'),
        (_changed(("format",), "other"), 'the document is not a portrait: "format"'),
        (_changed(("version",), 2), "has version 2; this tool reads 1"),
        (_changed(("portrait", "tables", 1, "owner"), 5), "portrait.tables[1].owner: 5 is not str"),
        (
            _changed(("portrait", "tables", 0, "row_security"), 1),
            "portrait.tables[0].row_security: 1 is not bool",
        ),
        (
            _changed(("portrait", "tables", 0, "columns", 0, "typ"), "text"),
            'portrait.tables[0].columns[0]: unknown "typ"',
        ),
        (
            _changed(("portrait", "tables", 0, "columns"), {}),
            "portrait.tables[0].columns: a list is expected",
        ),
        (_changed(("portrait",), {"schema": "public"}), 'portrait: "tables" is missing'),
        (_changed(("portrait", "tables", 2), None), "portrait.tables[2]: an object is expected"),
    ],
)
def test_a_broken_document_is_refused_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(WrongUse) as refused:
        from_json(text)

    assert sentence.lower() in str(refused.value).lower()
    assert "membership-refactor plan --format json" in str(refused.value)
