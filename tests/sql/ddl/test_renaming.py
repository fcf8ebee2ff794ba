"""Exchanging a name in PostgreSQL's texts touches names only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait.tokens import canonical, tokens
from membership_refactor.sql.ddl.renaming import DerivedNames, renamed, repointed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FOREIGN KEY (a) REFERENCES s.pm(id)", 'FOREIGN KEY (a) REFERENCES s."cm"(id)'),
        ("(note = 's.pm'::text)", "(note = 's.pm'::text)"),
        ("(note = E'\\'s.pm')", "(note = E'\\'s.pm')"),
        ("(pm > 5)", "(pm > 5)"),
        ("(o.id = pm.person_id)", '(o.id = "cm".person_id)'),
        ("(o.pm = s2.pm)", "(o.pm = s2.pm)"),
        ("x.s.pm", "x.s.pm"),
        ('"s"."pm"', '"s"."cm"'),
        ('s."PM"', 's."PM"'),
        ("$x$ s.pm $x$", "$x$ s.pm $x$"),
    ],
)
def test_names_are_exchanged_and_texts_are_not(text: str, expected: str) -> None:
    assert renamed(text, "s", "pm", "cm") == expected


@pytest.mark.parametrize(
    ("text", "there"),
    [
        (
            "SELECT pm.id FROM s.pm WHERE (pm.id > 1)",
            'SELECT pm.id FROM s."cm" "pm" WHERE (pm.id > 1)',
        ),
        ("SELECT x.id FROM s.pm x", 'SELECT x.id FROM s."cm" x'),
        (
            "INSERT INTO s.pm (id) VALUES (1) RETURNING pm.id",
            'INSERT INTO s."cm" AS "pm" (id) VALUES (1) RETURNING pm.id',
        ),
        (
            "SELECT 1 FROM (s.pm JOIN s.o ON (true))",
            'SELECT 1 FROM (s."cm" "pm" JOIN s.o ON (true))',
        ),
        ("SELECT 1 FROM s.pm, s.o", 'SELECT 1 FROM s."cm" "pm", s.o'),
    ],
)
def test_a_query_reads_the_other_table_and_comes_back(text: str, there: str) -> None:
    assert repointed(text, "s", "pm", "cm") == there
    assert canonical(repointed(there, "s", "cm", "pm")) == canonical(text)


@pytest.mark.parametrize(
    "text",
    [
        "a 'it''s' \"q\"\"q\" E'\\\\' $$ ' $$ $t$ $$ $t$ 1.5e3 ä::b[1]",
        "nextval('s.\"a b_seq\"'::regclass)",
    ],
)
def test_tokens_joined_again_are_the_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ('CREATE INDEX "a" ON "s"."t" USING btree ("x")', "CREATE INDEX a ON s.t USING btree (x)"),
        ('nextval(\'"s"."q"\'::regclass)', "nextval('s.q'::regclass)"),
        ("a\n   b;", "a b"),
    ],
)
def test_quotes_that_are_not_needed_make_no_difference(one: str, two: str) -> None:
    assert canonical(one) == canonical(two)


@pytest.mark.parametrize(
    ("one", "two"), [('"A"', "A"), ("'a  b'", "'a b'"), ('"a b"', "a b"), ("'q'", '"q"')]
)
def test_what_means_something_else_stays_different(one: str, two: str) -> None:
    assert canonical(one) != canonical(two)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pk_person", "pk_human"),
        ("person_pkey", "human_pkey"),
        ("ix_person_person_id", "ix_human_human_id"),
        ("personal_idx", "personal_idx_human"),
        ("x", "x_human"),
        ("y" * 63, "y" * 54 + "_e3c1308e"),
    ],
)
def test_an_objects_name_follows_the_tables_name(name: str, expected: str) -> None:
    person = legacy_tables("public").table("person")
    (index,) = person.indexes
    table = replace(person, constraints=(), indexes=(replace(index, name=name, constraint=None),))

    given = DerivedNames(table, "human")[name]

    assert given == expected
    assert len(given.encode()) <= 63
