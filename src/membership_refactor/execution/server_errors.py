"""Errors of the server in one line each: what it refused, and what to do next."""

from __future__ import annotations

import psycopg


def in_one_line(error: BaseException) -> str:
    """The server's message with its detail and hint. Its context and the text of the statement,
    which belong to functions of the tool, are left out."""
    text = str(error)
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        said = error.diag
        further = (said.message_detail, said.message_hint)
        text = " ".join([f"{said.message_primary}.", *(t for t in further if t)])
    return " ".join(text.split()).rstrip(".")


def of_server(error: BaseException) -> str:
    """Describe in one line what the server refused, and what to do next."""
    text = in_one_line(error)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            f"the role lacks a privilege: {text}. Connect as the owner of the tables, or have it "
            "granted (the first revision needs CREATE on the schema and on the database)."
        )
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return (
            f"the server refused to write: {text}. It is a hot standby, or "
            "default_transaction_read_only is on. Connect to the primary, or turn it off."
        )
    return f"the server refused: {text}. The transaction was rolled back; run the command again."
