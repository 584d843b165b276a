"""The emulator's steps each get a tree of their own, from one parse."""

from __future__ import annotations

from collections import Counter

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError

from local.emulator import parsed_once

SQL = "select a, /* why */ sum(b) as b from `p`.d.t where c > 1 group by 1; select 2"


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each text was parsed, with the patch in place."""
    found: Counter[str] = Counter()
    parse = Dialect.parse

    def counted(self: Dialect, sql: str, **options: object) -> object:
        found[sql] += 1
        return parse(self, sql, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Dialect, "parse", counted)
    parsed_once.patch()
    return found


def test_a_text_is_parsed_once_into_equal_trees(parses: Counter[str]) -> None:
    plain = [one.sql("bigquery") for one in sqlglot.parse(SQL, read="bigquery") if one]
    again = [one.sql("bigquery") for one in sqlglot.parse(SQL, read="bigquery") if one]
    assert plain == again
    assert plain[0].count("/* why */") == 1
    assert plain[1:] == ["SELECT 2"]
    assert parses[SQL] == 1


def test_what_one_step_changes_no_other_sees(parses: Counter[str]) -> None:
    sql = "select a from t"
    for _ in range(2):
        tree = sqlglot.parse_one(sql, read="bigquery")
        assert tree.sql() == "SELECT a FROM t"
        for column in tree.find_all(exp.Column):
            column.replace(exp.column("changed"))
        assert tree.sql() == "SELECT changed FROM t"


def test_dialects_and_options_are_kept_apart(parses: Counter[str]) -> None:
    sql = 'select "a"'
    assert sqlglot.parse_one(sql, read="bigquery").find(exp.Literal)
    assert sqlglot.parse_one(sql, read="duckdb").find(exp.Column)
    assert sqlglot.parse_one(sql, read="duckdb", error_level=sqlglot.ErrorLevel.IGNORE).find(exp.Column)
    assert parses[sql] == 3


def test_what_cannot_be_parsed_says_so_each_time(parses: Counter[str]) -> None:
    for _ in range(2):
        with pytest.raises(ParseError):
            sqlglot.parse_one("select from where", read="bigquery")


def test_a_long_text_is_not_kept(parses: Counter[str]) -> None:
    sql = f"select '{'x' * parsed_once.LONGEST}'"
    for _ in range(2):
        sqlglot.parse_one(sql, read="bigquery")
    assert parses[sql] == 2
