"""Database URLs in every spelling, and in messages."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from membership_refactor.database import (
    libpq_url,
    normalise_url,
    with_database,
    without_password,
)
from membership_refactor.errors import NoDatabase


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_becomes_psycopg_3(scheme: str) -> None:
    url = f"{scheme}://user:p%40ss@host:5433/name?sslmode=require"
    assert normalise_url(url) == "postgresql+psycopg://user:p%40ss@host:5433/name?sslmode=require"


def test_libpq_gets_the_plain_scheme() -> None:
    assert libpq_url("postgresql+psycopg://u:p@h/d") == "postgresql://u:p@h/d"


def test_libpq_reads_spaces_and_plus_signs_as_they_were_meant() -> None:
    url = "postgresql://u:a%20b+c%2Bd@h/my%20data?application_name=x+y%2Bz"
    read = conninfo_to_dict(libpq_url(url))
    assert read["password"] == "a b+c+d"
    assert read["dbname"] == "my data"
    assert read["application_name"] == "x y+z"


def test_another_database_keeps_server_user_and_options() -> None:
    url = "postgresql+psycopg://u:p@/one?host=%2Ftmp%2Fsocket&port=5432"
    assert with_database(url, "two") == url.replace("/one", "/two")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:top%20secret@host/name",
        "postgresql://user@host/name?password=top%20secret",
        "postgresql://user@host/name?sslpassword=top%20secret",
    ],
)
def test_a_url_in_a_message_has_no_password(url: str) -> None:
    shown = without_password(url)
    assert "secret" not in shown
    assert shown == "postgresql://user@host/name"


def test_the_folder_of_a_socket_may_stand_in_the_place_of_the_host() -> None:
    assert normalise_url("postgresql://u@%2Ftmp%2Fsocket/one") == (
        "postgresql+psycopg://u@/one?host=%2Ftmp%2Fsocket"
    )


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:hidden@host/name",
        "no url:hidden@",
        "postgresql://u:hidden@h:port/d",
        "postgresql://u:p@hidden@h/d",
        "postgresql://u:p@x/hidden@h/d",
    ],
)
def test_what_is_no_postgresql_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(NoDatabase) as refused:
        normalise_url(url)
    assert "hidden" not in str(refused.value)
    assert "Write it as postgresql://" in str(refused.value)
    assert refused.value.__cause__ is None
