"""What a superuser can break at each stage, and what verify has to say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from membership_refactor.sql.quoting import ident, literal
from tests.chain.driver import Chain
from tests.inspect.tables import VALUES

V4 = "0190a8f2-0000-4000-9000-000000000001"
V8 = "0190a8f2-0000-8000-9000-000000000001"
Found = dict[str, set[tuple[str, str, tuple[str, ...]]]]
"""By comparison: (key, difference, columns)."""


@dataclass(frozen=True)
class Place:
    """The names of one chain, as SQL, and its rows."""

    chain: Chain

    @property
    def id(self) -> str:
        return ident(self.chain.plan.last_id)

    @property
    def link(self) -> str:
        return ident(self.chain.plan.link)

    @property
    def uuid(self) -> str:
        return ident(self.chain.plan.parent_id)

    @property
    def value(self) -> str:
        return VALUES[self.chain.plan.name]

    @property
    def copy(self) -> str:
        return self.chain.names.child

    @property
    def parent(self) -> str:
        return self.chain.names.parent

    def child(self, n: int) -> str:
        """The key of the n-th child."""
        return str(
            self.chain.value(f"SELECT {self.id} FROM {self.copy} ORDER BY {self.id} OFFSET {n}")
        )

    def of_child(self, n: int) -> str:
        return f"{self.id} = {literal(self.child(n))}"

    def parent_of(self, n: int) -> str:
        return str(
            self.chain.value(f"SELECT {self.link} FROM {self.copy} WHERE {self.of_child(n)}")
        )

    def sibling(self, n: int) -> int:
        """The number of another child of the same parent."""
        rows = self.chain.query(f"SELECT {self.link} FROM {self.copy} ORDER BY {self.id}")
        return next(i for i, row in enumerate(rows) if row == rows[n] and i != n)

    def stranger(self, n: int) -> int:
        """The number of a child of another parent."""
        rows = self.chain.query(f"SELECT {self.link} FROM {self.copy} ORDER BY {self.id}")
        return next(i for i, row in enumerate(rows) if row != rows[n])


@dataclass(frozen=True)
class Corruption:
    """One of them. Both functions are asked before anything is broken."""

    name: str
    stages: tuple[str, ...]
    break_it: Callable[[Place], tuple[str, ...]]
    findings: Callable[[Place], Found]
    restored: bool = True
    """Whether repair gives back what stood before; else both sides agree, and the ledger has it."""
    mendable: bool = True


def _copied(p: Place) -> str:
    """An INSERT of a child like the first one, under an id of its own."""
    columns = p.chain.columns(p.copy)
    values = [literal("99") if c == p.chain.plan.last_id else ident(c) for c in columns]
    return (
        f"INSERT INTO {p.copy} ({', '.join(map(ident, columns))}) OVERRIDING SYSTEM VALUE "
        f"SELECT {', '.join(values)} FROM {p.copy} WHERE {p.of_child(0)}"
    )


def _new_parent(p: Place, uuid: str) -> str:
    """A parent like that of the first child, with another key."""
    plan = p.chain.plan
    columns = p.chain.columns(p.parent)
    last = plan.key[2] if plan.name == "programme_membership" else plan.key[0]
    values = [
        literal(uuid) if c == plan.parent_id else literal("other") if c == last else ident(c)
        for c in columns
    ]
    return (
        f"INSERT INTO {p.parent} ({', '.join(map(ident, columns))}) "
        f"SELECT {', '.join(values)} FROM {p.parent} WHERE {p.uuid} = {literal(p.parent_of(0))}"
    )


def _set(p: Place, n: int, column: str, value: str) -> str:
    return f"UPDATE {p.copy} SET {ident(column)} = {value} WHERE {p.of_child(n)}"


def link(p: Place, n: int, uuid: str) -> str:
    return _set(p, n, p.chain.plan.link, literal(uuid))


def _set_parent(p: Place, n: int, value: str) -> str:
    where = f"{p.uuid} = {literal(p.parent_of(n))}"
    return f"UPDATE {p.parent} SET {ident(p.value)} = {value} WHERE {where}"


def drop_parent(p: Place, n: int) -> str:
    return f"DELETE FROM {p.parent} WHERE {p.uuid} = {literal(p.parent_of(n))}"


COPY = ("0003", "0004")
ALL = (
    Corruption(
        "a row is missing in the copy",
        COPY,
        lambda p: (f"DELETE FROM {p.copy} WHERE {p.of_child(3)}",),
        lambda p: {"source and copy": {(p.child(3), "missing", ())}},
    ),
    Corruption(
        "every row is missing in the copy",
        COPY,
        lambda p: (f"DELETE FROM {p.copy}",),
        lambda p: {"source and copy": {(p.child(n), "missing", ()) for n in range(12)}},
    ),
    Corruption(
        "the copy has a row too many",
        COPY,
        lambda p: (_copied(p),),
        lambda p: {"source and copy": {("99", "extra", ())}},
    ),
    Corruption(
        "a value differs in the copy",
        COPY,
        lambda p: (_set(p, 0, p.value, "'wrong'"), _set(p, 11, p.value, "NULL")),
        lambda p: {
            "source and copy": {(p.child(n), "different", (p.value,)) for n in (0, 11)},
        },
    ),
    Corruption(
        "a link is missing and another one leads elsewhere",
        COPY,
        lambda p: (_set(p, 5, p.chain.plan.link, "NULL"), link(p, 6, V4)),
        lambda p: {
            "source and copy": {(p.child(n), "different", (p.chain.plan.link,)) for n in (5, 6)}
        },
    ),
    Corruption(
        "links are not those of the keys",
        ("0005", "0006"),
        lambda p: (
            _set(p, 5, p.chain.plan.link, "NULL"),
            link(p, 6, V4),
            link(p, 0, p.parent_of(p.stranger(0))),
        ),
        lambda p: {
            "links and keys": {(p.child(n), "different", (p.chain.plan.link,)) for n in (0, 5, 6)}
        },
    ),
    Corruption(
        "a child's only link leads elsewhere",
        ("0007",),
        lambda p: (link(p, 4, V4),),
        lambda p: {
            "links and keys": {(p.child(4), "different", (p.chain.plan.link,))},
            "children and parents": {(V4, "missing", ())},
        },
    ),
    Corruption(
        "a parent is missing",
        ("0007",),
        lambda p: (drop_parent(p, 2),),
        lambda p: {"children and parents": {(p.parent_of(2), "missing", ())}},
    ),
    Corruption(
        "a parent has no child",
        ("0007",),
        lambda p: (_new_parent(p, V8),),
        lambda p: {"childless parents": {(V8, "extra", ())}},
    ),
    Corruption(
        "a parent says something else than its children",
        ("0007",),
        lambda p: (_set_parent(p, 7, "'wrong'"),),
        lambda p: {"children and parents": {(p.parent_of(7), "different", (p.value,))}},
    ),
    Corruption(
        "a child of several is missing its parent",
        ("0008",),
        lambda p: (link(p, 4, V4),),
        lambda p: {"children of parents": {(p.child(4), "dangling", (p.chain.plan.link,))}},
    ),
    Corruption(
        "a child has been given to another parent",
        ("0008",),
        lambda p: (link(p, 4, p.parent_of(p.stranger(4))),),
        lambda p: {"children of parents": {(p.child(4), "different", (p.chain.plan.link,))}},
    ),
    Corruption(
        "all children of a parent have been given away",
        ("0008",),
        lambda p: tuple(link(p, n, p.parent_of(p.stranger(4))) for n in (4, p.sibling(4))),
        lambda p: {
            "children of parents": {
                (p.child(n), "different", (p.chain.plan.link,)) for n in (4, p.sibling(4))
            },
            "childless parents": {(p.parent_of(4), "extra", ())},
        },
    ),
    Corruption(
        "a parent is gone, its children still say what it was",
        ("0008",),
        lambda p: (drop_parent(p, 2),),
        lambda p: {
            "children of parents": {
                (p.child(n), "dangling", (p.chain.plan.link,)) for n in (2, p.sibling(2))
            }
        },
    ),
    Corruption(
        "a child says something else than its parent",
        ("0008",),
        lambda p: (_set(p, 8, p.value, "'wrong'"),),
        lambda p: {"children of parents": {(p.child(8), "different", (p.value,))}},
    ),
    Corruption(
        "a child has another key than its parent",
        ("0008",),
        lambda p: (_set(p, 8, p.chain.plan.key[2], "NULL"),),
        lambda p: {"children of parents": {(p.child(8), "different", (p.chain.plan.key[2],))}},
    ),
    Corruption(
        "a parent has been changed behind its children's back",
        ("0008",),
        lambda p: (_set_parent(p, 7, "'wrong'"),),
        lambda p: {
            "children of parents": {
                (p.child(n), "different", (p.value,)) for n in (7, p.sibling(7))
            }
        },
        restored=False,
    ),
    Corruption(
        "a parent that the tool made has no child",
        ("0008",),
        lambda p: (_new_parent(p, V8),),
        lambda p: {"childless parents": {(V8, "extra", ())}},
    ),
    Corruption(
        "a link leads nowhere",
        ("0009", "0010", "0011"),
        lambda p: (link(p, 4, V4),),
        lambda p: {"links and parents": {(p.child(4), "dangling", (p.chain.plan.link,))}},
        mendable=False,
    ),
    Corruption(
        "a parent is gone",
        ("0009", "0010", "0011"),
        lambda p: (drop_parent(p, 2),),
        lambda p: {
            "links and parents": {
                (p.child(n), "dangling", (p.chain.plan.link,)) for n in (2, p.sibling(2))
            }
        },
        mendable=False,
    ),
)
