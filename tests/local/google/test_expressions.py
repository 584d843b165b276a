"""What BigQuery documents expressions and queries to be: expressions.txt and queries.txt, asked here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local.google.world import World

pytestmark = pytest.mark.real


def wanted(name: str) -> list[tuple[str, str]]:
    lines = Path(__file__).with_name(name).read_text().splitlines()
    return [line.rpartition(" => ")[::2] for line in lines if " => " in line and not line.startswith("#")]


WANTED = wanted("expressions.txt")
AT_ONCE = 25
UNKNOWN = "No matching signature for"
NO_PART = "does not support the {} date part when the argument is {} type"
NO_BOOL = "should return type BOOL, but returns type INT64"


def test_expressions_are_what_bigquery_documents(real_world: World) -> None:
    different = []
    for start in range(0, len(WANTED), AT_ONCE):
        asked = WANTED[start : start + AT_ONCE]
        columns = ", ".join(f"{expression} as c{number}" for number, (expression, _) in enumerate(asked))
        answer = real_world.query(f"select {columns}").json()
        assert "error" not in answer, answer["error"]["message"]
        for (expression, wanted), field, cell in zip(
            asked, answer["schema"]["fields"], answer["rows"][0]["f"], strict=True
        ):
            found = f"{field['type']} {shown(field['type'], cell['v'])}"
            if found != wanted:
                different.append(f"{expression} is {found}, not {wanted}")
    assert not different, "\n".join(different)


def test_queries_are_what_bigquery_documents(real_world: World) -> None:
    different = []
    for sql, rows in wanted("queries.txt"):
        answer = real_world.query(sql).json()
        found = answer["error"]["message"] if "error" in answer else table(answer)
        if found != rows:
            different.append(f"{sql} is {found}, not {rows}")
    assert not different, "\n".join(different)


def test_safe_catches_what_several_columns_share(real_world: World) -> None:
    parts = ("date('%F', x)", "timestamp('%F', x)", "date('%Y-%m', x)")
    columns = ", ".join(f"safe.parse_{part}, extract(year from safe.parse_{part})" for part in parts)
    answer = real_world.query(f"select {columns} from unnest(['no', 'neither']) x").json()
    assert "error" not in answer, answer["error"]["message"]
    assert [cell["v"] for row in answer["rows"] for cell in row["f"]] == [None] * 12


@pytest.mark.parametrize(
    "expression", ["net.reg_domain('a.com')", "net.public_suffix('a.com')", "instr('banana', 'an', -1)"]
)
def test_what_it_can_not_do_is_said(real_world: World, expression: str) -> None:
    answer = real_world.query(f"select {expression}")
    assert "the local BigQuery can't do" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select nope from (select 1 as x)", "Unrecognized name: nope"),
        (
            "select 1 from (select 1) where 1 in ()",
            "the local BigQuery can't do this statement from ) on; Google can, if there is no mistake in it",
        ),
        ("select a.x from (select 1 as x) as b", "Unrecognized name: a"),
        ("select x from (select 1 x) a join (select 1 x) b on true", "Column name x is ambiguous"),
        ("select cast(x as int64) from unnest(['abc']) x", "Bad int64 value: abc"),
        ("select cast(x as date) from unnest(['2024-13-45']) x", "Invalid date: '2024-13-45'"),
        (
            "select sum(x) from unnest(['a']) x",
            "No matching signature for function SUM for argument types: STRING",
        ),
        ("select 'a' + 1", "No matching signature for operator + for argument types: STRING, INT64"),
        ("select s = 1 from unnest(['1']) s", f"{UNKNOWN} operator = for argument types: STRING, INT64"),
        (
            "select 1 from unnest([1]) n where n = '1'",
            f"{UNKNOWN} operator = for argument types: INT64, STRING",
        ),
        (
            "select d = s from (select current_date() as d, '2024-01-03' as s)",
            f"{UNKNOWN} operator = for argument types: DATE, STRING",
        ),
        (
            "select current_timestamp() >= current_date()",
            f"{UNKNOWN} operator >= for argument types: TIMESTAMP, DATE",
        ),
        (
            "select 1 from (select 1 as a) x join (select '1' as a) y on x.a = y.a",
            f"{UNKNOWN} operator = for argument types: INT64, STRING",
        ),
        (
            "select 1 from (select 1 as a) x join (select '1' as a) y using (a)",
            "Column in USING has incompatible types on either side of the join: INT64, STRING",
        ),
        (
            "select s in (1, 2) from unnest(['1']) s",
            f"{UNKNOWN} operator IN for argument types: STRING and {{INT64}}",
        ),
        (
            "select coalesce(s, 0) from unnest(['1']) s",
            f"{UNKNOWN} function COALESCE for argument types: STRING, INT64",
        ),
        (
            "select case when n > 1 then n else 'a' end from unnest([1]) n",
            f"{UNKNOWN} operator CASE; all THEN/ELSE arguments must be coercible to a common type but found: "
            "INT64, STRING",
        ),
        (
            "select 1 from unnest([1]) n where n",
            f"WHERE clause {NO_BOOL}",
        ),
        ("select if(n, 'a', 'b') from unnest([1]) n", f"{UNKNOWN} function IF for argument types: INT64"),
        ("select left('abc', x) from unnest([-1]) x", "Second argument in LEFT() cannot be negative"),
        ("select rpad('abc', -1)", "Second argument in RPAD() cannot be negative"),
        ("select 1 << -1", "Bitwise shift by a negative number of bits"),
        ("select b'a' << 1", "the local BigQuery can't do << of BYTES; Google can"),
        ("select generate_array(1, 5, 0)", "Sequence step cannot be 0."),
        ("select pow(0, -1)", "Floating point error in function: POW"),
        ("select exp(1000)", "Floating point error in function: EXP"),
        ("select csc(0)", "Floating point error in function: CSC"),
        ("select ln(0)", "Floating point error in function: LOG"),
        (
            "select x / y from (select 1e308 as x, 1e-10 as y)",
            "Floating point error in function: /",
        ),
        ("select cast(1e19 as int64)", "int64 out of range: 1e+19"),
        ("select date(2024, 2, 30)", "Invalid date: 2024-2-30"),
        ("select parse_numeric('x')", "Invalid NUMERIC value: x"),
        ("select json_remove(json '{}', '$')", "The JSONPath cannot be '$'"),
        ("select json_set(json '{}', '$.', 1)", "Invalid JSONPath: $."),
        (
            "select net.ip_from_string('x')",
            "NET.IP_FROM_STRING() encountered an unparseable IP-address: x",
        ),
        ("select search('a', 'b')", "the local BigQuery can't do SEARCH; Google can"),
        ("select hll_count.extract(b'a')", "the local BigQuery can't do HLL_COUNT.EXTRACT; Google can"),
        (
            "select format_timestamp('%z', current_timestamp(), '+02')",
            "the local BigQuery can't do %z of an offset; Google can",
        ),
        ("select 3 / 0", "division by zero"),
        ("select mod(1, 0)", "division by zero"),
        ("select div(x, 0) from unnest([1]) x", "division by zero"),
        ("select x / (x - 1) from unnest([numeric '1']) x", "division by zero"),
        ("select sum(x) from unnest([9223372036854775807, 1]) x", "int64 overflow"),
        ("select sqrt(numeric '-1')", "numeric overflow or undefined: sqrt of -1.000000000"),
        ("select [1, 2][2]", "Array index 2 is out of bounds"),
        ("select cast('abcd' as string(3))", "string is longer than STRING(3)"),
        (
            "select cast(x as numeric(5, 2)) from unnest([1000]) x",
            "numeric overflow: 1000.000000000 has too many digits for NUMERIC(5, 2)",
        ),
        ("select format('%d', 1.5)", "Invalid type for an argument of FORMAT; Expected integer"),
        (
            "select sum(x) from unnest([interval 1 day]) x",
            "the local BigQuery can't do SUM or AVG of INTERVALs; Google can",
        ),
        (
            "select to_json_string(interval 1 day)",
            "the local BigQuery can't do TO_JSON of an INTERVAL or GEOGRAPHY; Google can",
        ),
        (
            "select to_json_string(struct(1 as a), true)",
            "the local BigQuery can't do TO_JSON with options; Google can",
        ),
        ("select substr(b'abc', 2)", "the local BigQuery can't do SUBSTR of BYTES; Google can"),
        ("select upper(b'abc')", "the local BigQuery can't do UPPER of BYTES; Google can"),
        ("select upper(5)", f"{UNKNOWN} function UPPER for argument types: INT64"),
        ("select substr(5, 1)", f"{UNKNOWN} function SUBSTR for argument types: INT64, INT64"),
        ("select 5 like '5'", f"{UNKNOWN} operator LIKE for argument types: INT64, STRING"),
        (
            "select timestamp_add(current_timestamp(), interval 1 month)",
            f"TIMESTAMP_ADD {NO_PART.format('MONTH', 'TIMESTAMP')}",
        ),
        ("select date_add(current_date(), interval 1 hour)", f"DATE_ADD {NO_PART.format('HOUR', 'DATE')}"),
        (
            "select date_diff(d, d, hour) from (select current_date() as d)",
            f"DATE_DIFF {NO_PART.format('HOUR', 'DATE')}",
        ),
        (
            "select timestamp_diff(t, t, week) from (select current_timestamp() as t)",
            f"TIMESTAMP_DIFF {NO_PART.format('WEEK', 'TIMESTAMP')}",
        ),
        ("select extract(hour from current_date())", f"EXTRACT {NO_PART.format('HOUR', 'DATE')}"),
        (
            "select current_timestamp() + interval 1 month",
            "TIMESTAMP +/- INTERVAL is not supported for intervals with non-zero MONTH or YEAR part.",
        ),
        ("select interval 1.5 hour", "Interval value must be coercible to INT64 type"),
        (
            "select string_agg(x, ',') from unnest([1]) x",
            f"{UNKNOWN} function STRING_AGG for argument types: INT64",
        ),
        ("select sum(x) from unnest([true]) x", f"{UNKNOWN} function SUM for argument types: BOOL"),
        ("select length(5)", f"{UNKNOWN} function LENGTH for argument types: INT64"),
        (
            "select array_to_string([1.5], ',')",
            f"{UNKNOWN} function ARRAY_TO_STRING for argument types: FLOAT64",
        ),
        ("select array_agg(a) from (select [1] as a)", "The argument to ARRAY_AGG must not be an array type"),
        (
            "select regexp_extract('ab', '(a)(b)')",
            "Regular expressions passed into extraction functions must not have more than 1 capturing group",
        ),
        (
            "select approx_top_sum(x, 1, 1) from unnest(['a']) x",
            "the local BigQuery can't do APPROX_TOP_SUM; Google can",
        ),
        (
            "select json_query(json '{\"a\": 1}', 'lax $.a')",
            "the local BigQuery can't do JSON_QUERY of a lax path; Google can",
        ),
        (
            "select range(date '2022-12-31', date '2022-12-01')",
            "Range start element must be smaller than range end element",
        ),
        (
            "select cast('04:05' as time format 'HH24:MI')",
            "the local BigQuery can't do CAST to DATETIME or TIME with FORMAT; Google can",
        ),
        ("select [1, null]", "Array cannot have a null element; error in writing field f0_"),
        (
            "select struct([x] as a) as s from unnest([1, null]) x",
            "Array cannot have a null element; error in writing field a",
        ),
        ("select safe.net.ip_trunc(b'a', 1)", "the local BigQuery can't do SAFE.NET.IP_TRUNC; Google can"),
        ("select array_last([])", "ARRAY_LAST cannot get the last element of an empty array"),
        ("select 1e308 * 10", "Floating point error in function: *"),
        ("select x * 10.0 from unnest([1e308]) x", "Floating point error in function: *"),
        ("select x + 1e308 from unnest([1e308]) x", "Floating point error in function: +"),
        ("select x - 1.5e308 from unnest([-1e308]) x", "Floating point error in function: -"),
        ("select 1e300 / 1e-300", "Floating point error in function: /"),
        (
            "select sum(x) from unnest([numeric '99999999999999999999999999999', 1]) x",
            "numeric overflow: SUM",
        ),
        (
            "select approx_top_count(x, 0) from unnest([1]) x",
            "The second argument to APPROX_TOP_COUNT function must be positive",
        ),
        (
            "select nth_value(x, 0) over (order by x) from unnest([1]) x",
            "The N value for the NthValue function must be positive",
        ),
        (
            "select lag(x, -1) over (order by x) from unnest([1]) x",
            "The offset to the function LAG must not be negative",
        ),
        (
            "select lag(x) over (order by x rows 1 preceding) from unnest([1]) x",
            "Window framing clause is not allowed for analytic function lag",
        ),
        (
            "select percentile_cont(x, 0.5 respect nulls) over () from unnest([1]) x",
            "the local BigQuery can't do a percentile with RESPECT NULLS; Google can",
        ),
        (
            "select generate_date_array('2020-01-01', '2020-01-02', interval 0 day)",
            "Sequence step cannot be 0.",
        ),
        (
            "select regexp_instr('ab', '(a)(b)')",
            "Regular expressions passed into extraction functions must not have more than 1 capturing group",
        ),
        ("select format('%s %s', 'a')", 'Too few arguments to FORMAT for pattern "%s %s"'),
        ("select error('boom')", "boom"),
        ("select [1, 2][offset(2)]", "Array index 2 is out of bounds"),
        ("select split('a,b', ',')[ordinal(0)]", "Array index 0 is out of bounds"),
        (
            "select x, count(*) from unnest([1]) x",
            "SELECT list expression references column x which is neither grouped nor aggregated",
        ),
        ("selec 1", 'Syntax error: Unexpected identifier "selec" at [1:7]'),
        (
            "select round(numeric '1.5', n) from unnest([1]) n",
            "the local BigQuery can't do this statement; Google can, if there is no mistake in it",
        ),
        ("select 1 limit 1\nlimit 2", "Syntax error: Expected end of input but got keyword LIMIT at [2:5]"),
        (
            "select collate('a', 'und:ci') = 'A'",
            "the local BigQuery can't compare by COLLATE 'und:ci'; Google can",
        ),
        ("select ml.predict(1)", "the local BigQuery can't do ML.PREDICT; Google can"),
        (
            "select * from external_query('c', 'select 1')",
            "the local BigQuery can't do external_query(); Google can",
        ),
        (
            "export data options(uri='gs://b/*', format='CSV') as select 1",
            "the local BigQuery can't do files in Cloud Storage; Google can",
        ),
    ],
)
def test_what_fails_says_so_in_bigquerys_words_or_its_own(real_world: World, sql: str, said: str) -> None:
    assert real_world.query(sql).json()["error"]["message"] == said


def test_what_is_absent_there_already_or_of_another_kind_is_named_with_its_reason(real_world: World) -> None:
    real_world.query("create schema named options (location = 'EU')").raise_for_status()
    for made in ("create table named.t (x int64)", "create view named.v as select 1 as x"):
        assert "error" not in real_world.query(made).json()
    p = "demo-flights:named"
    no_dataset = "Not found: Dataset demo-flights:nowhere was not found in location"
    no_table = f"Not found: Table {p}.z was not found in location EU"
    for sql, code, reason, said in (
        ("create table nowhere.t (x int64)", 404, "notFound", f"{no_dataset} US"),
        ("create view nowhere.v as select * from named.t", 404, "notFound", f"{no_dataset} EU"),
        ("create or replace table nowhere.t as select 1 as x", 404, "notFound", f"{no_dataset} US"),
        ("create function nowhere.f() as (1)", 404, "notFound", f"{no_dataset} US"),
        ("drop schema nowhere", 404, "notFound", f"{no_dataset} US"),
        ("select * from nowhere.INFORMATION_SCHEMA.TABLES", 404, "notFound", f"{no_dataset} US"),
        ("drop view named.z", 404, "notFound", no_table),
        ("merge named.z a using named.t b on a.x = b.x when matched then delete", 404, "notFound", no_table),
        ("alter table named.z add column y int64", 404, "notFound", no_table),
        ("drop function named.f", 404, "notFound", f"Not found: Routine {p}.f"),
        ("create schema named", 409, "duplicate", f"Already Exists: Dataset {p}"),
        ("create table named.v (x int64)", 409, "duplicate", f"Already Exists: Table {p}.v"),
        ("create view named.t as select 1 as x", 409, "duplicate", f"Already Exists: Table {p}.t"),
        ("alter table named.t add column x int64", 400, "invalidQuery", "Column already exists: x"),
        (
            "drop table named.v",
            400,
            "invalidQuery",
            f"Cannot drop {p}.v which has type VIEW. An object of type TABLE was expected.",
        ),
        (
            "create or replace view named.t as select 1 as x",
            400,
            "invalidQuery",
            f"{p}.t is not allowed for this operation because it is currently a TABLE.",
        ),
    ):
        error = real_world.query(sql).json()["error"]
        assert (error["code"], error["errors"][0]["reason"], error["message"]) == (code, reason, said), sql
    real_world.query("drop schema named cascade").raise_for_status()


def test_a_function_in_javascript_is_made_replaced_and_dropped(real_world: World) -> None:
    begin = "create temp function f(x int64) returns int64 language js as 'return x * 2'; "
    assert real_world.query(begin + "select f(4) as y").json()["rows"][0]["f"][0]["v"] == "8"
    real_world.query("create schema scripts").raise_for_status()
    for factor in ("2", "3"):
        made = "create or replace function scripts.f(x float64) returns float64 deterministic language js as "
        assert "error" not in real_world.query(f"{made}'return x * {factor}'").json()
    answer = real_world.query("select scripts.f(1.5) as y").json()
    assert answer["rows"][0]["f"][0]["v"] == "4.5"
    made = (
        "create or replace aggregate function scripts.positive(x float64) returns float64 language js as "
        "r'''export function initialState() { return {sum: 0} }\n"
        "export function aggregate(state, x) { if (x > 0) state.sum += x }\n"
        "export function merge(state, other) { state.sum += other.sum }\n"
        "export function finalize(state) { return state.sum }'''"
    )
    assert "error" not in real_world.query(made).json()
    answer = real_world.query(
        "select scripts.positive(x) from unnest([1.0, 2.5, -7]) x group by x > 2 order by 1"
    )
    assert [row["f"][0]["v"] for row in answer.json()["rows"]] == ["1.0", "2.5"]
    assert "error" not in real_world.query("drop schema scripts cascade").json()


def test_a_function_in_sql_gives_its_type_and_may_be_an_aggregate(real_world: World) -> None:
    for made, call, wanted in (
        ("temp function f(x int64) returns float64 as (x)", "f(2)", ("FLOAT", "2.0")),
        ("temp function f(x any type) as (x)", "f('a')", ("STRING", "a")),
        (
            "temp aggregate function f(x int64, n int64 not aggregate) as (sum(x) + n)",
            "f(x, 1)",
            ("INTEGER", "4"),
        ),
    ):
        answer = real_world.query(f"create {made}; select {call} from unnest([3]) x").json()
        assert "error" not in answer, answer
        assert (answer["schema"]["fields"][0]["type"], answer["rows"][0]["f"][0]["v"]) == wanted
        assert answer["schema"]["fields"][0]["name"] == "f0_"
    answer = real_world.query("create function d.f(x int64) returns int64 language python as r'x'")
    assert answer.json()["error"]["message"] == "the local BigQuery can't do functions in python; Google can"
    answer = real_world.query("select nowhere.f(1)").json()
    assert "__" not in answer["error"]["message"]


def shown(kind: str, value: Any) -> str:
    """Write a cell of BigQuery's JSON down."""
    if value is None:
        return "NULL"
    if kind == "TIMESTAMP":
        number = float(value)
        seconds = number / 1e6 if number > 1e12 else number
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    if kind in ("NUMERIC", "BIGNUMERIC") and "." in value:
        return str(value).rstrip("0").rstrip(".")
    return str(value)


def table(answer: dict[str, Any]) -> str:
    """Write names, types and rows of an answer down."""
    fields = answer["schema"]["fields"]
    rows = [
        [plain(field, cell["v"]) for field, cell in zip(fields, row["f"], strict=True)]
        for row in answer.get("rows", [])
    ]
    return f"{', '.join(map(column, fields))}: {json.dumps(rows)}"


def column(field: dict[str, Any]) -> str:
    kind = field["type"]
    if kind == "RECORD":
        kind = f"STRUCT<{', '.join(map(column, field['fields']))}>"
    return f"{field['name']} {f'ARRAY<{kind}>' if field['mode'] == 'REPEATED' else kind}"


def plain(field: dict[str, Any], value: Any) -> Any:
    if value is not None and field["mode"] == "REPEATED":
        return [plain(field | {"mode": ""}, one["v"]) for one in value]
    if value is None or field["type"] != "RECORD":
        return value
    return [plain(one, cell["v"]) for one, cell in zip(field["fields"], value["f"], strict=True)]
