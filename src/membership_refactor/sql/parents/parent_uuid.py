"""The uuid that is computed from a parent's key: in SQL, and with the same result in Python.

It is a version 8 uuid of RFC 9562 (custom data) from the sha256 of an encoded key. A NULL is 00;
a value is 01 and its bytes, after its length if the width is not fixed. So NULL is not the empty
string, and no two keys have the same encoding. All functions in it are IMMUTABLE, so PostgreSQL
inlines it. (convert_to, textsend and date::text are STABLE, and concat_ws drops NULLs.)
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_interface
from uuid import UUID

from membership_refactor.errors import PlanError
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import base_type, has_own_equality, stored_type

_NULL, _VALUE = r"'\x00'::pg_catalog.bytea", r"'\x01'::pg_catalog.bytea"

_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_TEXTS = frozenset({"text", "character varying", "character"})
_FIXED_WIDTH = {
    "date": "pg_catalog.date_send({})",
    "uuid": "pg_catalog.uuid_send({})",
    "boolean": "pg_catalog.boolsend({})",
    "timestamp without time zone": "pg_catalog.timestamp_send({})",
    "timestamp with time zone": "pg_catalog.timestamptz_send({})",
    "time without time zone": "pg_catalog.time_send({})",
    "oid": "pg_catalog.oidsend({})",
    "macaddr": "pg_catalog.macaddr_send({})",
    "macaddr8": "pg_catalog.macaddr8_send({})",
    # These two begin with the length of their address.
    "inet": "pg_catalog.inet_send({})",
    "cidr": "pg_catalog.cidr_send({})",
}


def supported_key_type(column: Column) -> bool:
    """Whether the column can be in a key: equal values have to be identical."""
    known = _INTEGERS | _TEXTS | _FIXED_WIDTH.keys() | {"numeric", "bytea"}
    return has_own_equality(column) and (column.enum or stored_type(column) in known)


def _encoded(value: str, column: Column) -> str:
    base = stored_type(column)
    if base in _INTEGERS:
        # All integers have one width, so a wider column type does not change a uuid.
        encoded = f"pg_catalog.int8send({value}::pg_catalog.int8)"
    elif base in _FIXED_WIDTH:
        encoded = _FIXED_WIDTH[base].format(value)
    elif column.enum or base in _TEXTS or base in ("numeric", "bytea"):
        # A label of an enum is its text. That cast is STABLE, so PostgreSQL does not inline it.
        if base == "numeric":
            value = f"pg_catalog.trim_scale({value})"  # 1.0 and 1.00 are one key
        raw = value
        if base != "bytea":
            # Cast text to bytea; a backslash begins an escape there, so it is doubled.
            value = f"{value}::pg_catalog.text"
            raw = rf"pg_catalog.replace({value}, E'\\', E'\\\\')::pg_catalog.bytea"
        encoded = f"pg_catalog.int4send(pg_catalog.octet_length({value})) || {raw}"
    else:
        raise PlanError(
            f"a key column has type {column.type}, which cannot be encoded. "
            "Choose another column or change its type."
        )
    return f"coalesce({_VALUE} || {encoded}, {_NULL})"


def _uuid_bytes(encoding: str) -> str:
    return (
        "pg_catalog.set_byte(pg_catalog.set_byte("
        f"pg_catalog.substr(pg_catalog.sha256({encoding}), 1, 16), 6, 128), 8, 128)"
    )


def _as_uuid(uuid_bytes: str) -> str:
    return f"pg_catalog.encode({uuid_bytes}, 'hex')::pg_catalog.uuid"


def version_8(uuid: str) -> str:
    """A condition: the tool created that uuid. Only the tool creates version 8."""
    return f"(pg_catalog.get_byte(pg_catalog.uuid_send({uuid}), 6) & 240) = 128"


def key_types(plan: TableSplit, table: Table) -> tuple[str, ...]:
    """The types of the values of the key columns, in the plan's order."""
    return tuple(stored_type(table.column(name)) for name in plan.key)


def identity_functions(names: Names, table: Table) -> tuple[Statement, ...]:
    """``uuid_bytes(key...)``, ``uuid(key...)`` and ``another_uuid(uuid)``, IMMUTABLE and inlined.

    Their bodies are parsed at creation (RETURN), so a later search_path has no effect. A SET clause
    would prevent inlining and make a copy cost 1.5 times as much.
    """
    plan = names.plan
    types = key_types(plan, table)
    seed = f"'\\x{plan.name.encode().hex()}00'::pg_catalog.bytea"
    parts = [_encoded(f"${n}", table.column(name)) for n, name in enumerate(plan.key, start=1)]
    encoding = "\n    || ".join([seed, *parts])
    arguments = ", ".join(types)
    given = ", ".join(f"${n}" for n in range(1, len(types) + 1))
    again = _uuid_bytes(r"pg_catalog.uuid_send($1) || '\x02'::pg_catalog.bytea")
    made = []
    for function, signature, returned, body in (
        (names.own("uuid_bytes"), arguments, "bytea", _uuid_bytes(encoding)),
        (names.own("uuid"), arguments, "uuid", _as_uuid(f"{names.own('uuid_bytes')}({given})")),
        (names.own("another_uuid"), "pg_catalog.uuid", "uuid", _as_uuid(again)),
    ):
        made.append(
            Statement(
                f"CREATE OR REPLACE FUNCTION {function}({signature})\n"
                f"RETURNS pg_catalog.{returned} LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN\n"
                f"    {body}"
            )
        )
        made.append(Statement(f"REVOKE ALL ON FUNCTION {function}({signature}) FROM PUBLIC"))
    return tuple(made)


def computed(names: Names, row: str, function: str = "uuid") -> str:
    """A call of ``function`` (``uuid``, ``uuid_bytes`` or ``link``) with the key of ``row``."""
    plan = names.plan
    return f"{names.own(function)}({', '.join(f'{row}.{ident(c)}' for c in plan.key)})"


def wrong_link(names: Names, link: str, row: str) -> str:
    """A condition: ``link`` is not ``link(key...)`` of the key of ``row``.

    If the ledger keeps no uuid, bytes are compared. PostgreSQL can convert bytes to a uuid only
    through text, which takes a quarter of the function's time.
    """
    image = computed(names, row, "uuid_bytes")
    return (
        f"((EXISTS (SELECT FROM {names.own('kept')})\n"
        f"    OR pg_catalog.uuid_send({link}) IS DISTINCT FROM {image})\n"
        f"  AND {link} IS DISTINCT FROM {computed(names, row, 'link')})"
    )


def link_function(names: Names, table: Table) -> Statement:
    """``link(key...)``: the computed uuid, or the one that the ledger keeps for that key.

    A look-up would prevent inlining. So the function has none while the ledger keeps no uuid, as in
    every first upgrade. ``kept`` has the whole mapping, including other uuids for keys whose
    computed uuid is used for another key.
    """
    plan = names.plan
    types = key_types(plan, table)
    arguments = ", ".join(f"${n}" for n in range(1, len(types) + 1))
    call = f"{names.own('uuid')}({arguments})"
    function, signature = names.own("link"), ", ".join(types)
    kept = names.own("kept")
    plain = (
        f"CREATE OR REPLACE FUNCTION {function}({signature}) RETURNS pg_catalog.uuid\n"
        f"LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {call}"
    )
    with_look_up = (
        f"CREATE OR REPLACE FUNCTION {function}({signature}) RETURNS pg_catalog.uuid\n"
        "LANGUAGE sql STABLE PARALLEL SAFE RETURN coalesce("
        f"(SELECT k.uuid FROM {kept} AS k WHERE k.key_uuid = {call}), {call})"
    )
    return Statement(
        "DO $link$ BEGIN\n"
        f"IF EXISTS (SELECT FROM {kept}) THEN EXECUTE {literal(with_look_up)};\n"
        f"ELSE EXECUTE {literal(plain)}; END IF;\n"
        f"REVOKE ALL ON FUNCTION {function}({signature}) FROM PUBLIC;\n"
        "END $link$"
    )


_EPOCH_DATE, _EPOCH = date(2000, 1, 1), datetime(2000, 1, 1)
_INFINITE_DATE = {"infinity": 2**31 - 1, "-infinity": -(2**31)}


def _bytes(value: object, type_name: str) -> bytes:
    base = base_type(type_name)
    if base in _INTEGERS:
        return struct.pack(">q", value)
    if base == "date":
        days = _INFINITE_DATE.get(str(value))
        if days is None and isinstance(value, date):
            days = (value - _EPOCH_DATE).days
        return struct.pack(">i", days)
    if base == "uuid":
        return UUID(str(value)).bytes
    if base == "boolean":
        return b"\x01" if value else b"\x00"
    if base.startswith("timestamp") and isinstance(value, datetime):
        naive = value if value.tzinfo is None else (value - value.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]
        return struct.pack(">q", (naive - _EPOCH) // timedelta(microseconds=1))
    if base == "time without time zone" and isinstance(value, time):
        since = datetime.combine(_EPOCH, value) - _EPOCH
        return struct.pack(">q", since // timedelta(microseconds=1))
    if base == "oid":
        return struct.pack(">I", value)
    if base in ("macaddr", "macaddr8"):
        return bytes.fromhex(str(value).replace(":", ""))
    if base in ("inet", "cidr"):
        address = ip_interface(str(value))
        packed = address.packed
        family = 2 if address.version == 4 else 3
        return bytes((family, address.network.prefixlen, base == "cidr", len(packed))) + packed
    if base == "bytea" and isinstance(value, bytes):
        raw = value
    elif base == "numeric":
        raw = _plain_numeric(Decimal(str(value))).encode()
    else:
        raw = str(value).encode()
    return struct.pack(">i", len(raw)) + raw


def _plain_numeric(value: Decimal) -> str:
    if not value.is_finite():
        return {"NaN": "NaN", "Infinity": "Infinity"}.get(str(value), "-Infinity")
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def parent_uuid(plan: TableSplit, types: Sequence[str], key: Sequence[object]) -> UUID:
    """The uuid that PostgreSQL computes for ``key``; ``types`` are the key columns' types.

    An infinite date is the string ``infinity`` or ``-infinity``.
    """
    encoding = plan.name.encode() + b"\x00"
    for value, type_name in zip(key, types, strict=True):
        encoding += b"\x00" if value is None else b"\x01" + _bytes(value, type_name)
    return _uuid(encoding)


def another_uuid(taken: UUID) -> UUID:
    """The uuid for a key whose computed uuid is used for another key."""
    return _uuid(taken.bytes + b"\x02")


def _uuid(encoding: bytes) -> UUID:
    digest = bytearray(hashlib.sha256(encoding).digest()[:16])
    digest[6] = 0x80
    digest[8] = 0x80
    return UUID(bytes=bytes(digest))
