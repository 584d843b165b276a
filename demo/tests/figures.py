"""What the marts must hold, worked out from the CSV files in Python, and what they hold, asked of BigQuery.

The expected figures share no line with the SQL: clock times are read as New York's, where the SQL adds delays
to UTC; weather is matched by local day and hour, where the SQL joins on UTC.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from google.cloud import bigquery

Row = Mapping[str, str]
Figures = dict[str, int | float]

NEW_YORK = ZoneInfo("America/New_York")
SUPPLEMENT = {"BQN", "PSE", "SJU", "STT"}
LATE = 15


def expected_figures(data_dir: Path) -> Figures:
    """Return the figures of all marts for the CSV files in ``data_dir``, by names like `fct_flights.rows`."""
    tables = {name: _read(data_dir / f"{name}.csv") for name in ("flights", "weather", "planes", "airports")}
    airlines = _read(data_dir / "airlines.csv")
    flights = tables["flights"]
    return {
        **_flights(flights),
        **_carriers(flights, airlines),
        **_airports(flights, tables["airports"]),
        **_aircraft(flights, tables["planes"]),
        **_days(flights),
        **_routes(flights),
        **_weather(flights, tables["weather"]),
        "carriers_snapshot.rows": len(airlines),
    }


def _read(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _numbers(rows: Iterable[Row], column: str) -> list[int]:
    return [int(row[column]) for row in rows if row[column] != "NA"]


def _late(rows: Iterable[Row], column: str) -> int:
    return sum(minutes >= LATE for minutes in _numbers(rows, column))


def _cancelled(rows: Iterable[Row]) -> int:
    return sum(row["dep_time"] == "NA" for row in rows)


def _group(rows: Iterable[Row], *columns: str) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in columns)].append(row)
    return groups


def _departure_hour(flight: Row) -> int:
    """Return the hours since 1970 of the departure, from the clock on the wall and the likely day."""
    clock = int(flight["dep_time"])
    midnight = datetime(int(flight["year"]), int(flight["month"]), int(flight["day"]))
    scheduled = timedelta(hours=int(flight["hour"]), minutes=int(flight["minute"]))
    # The same clock time comes once a day: the day is the one closest to schedule plus delay.
    about = scheduled + timedelta(minutes=int(flight["dep_delay"]))
    left = timedelta(hours=clock // 100, minutes=clock % 100)
    days = round((about - left) / timedelta(days=1))
    moment = (midnight + left + timedelta(days=days)).replace(tzinfo=NEW_YORK)
    return int(moment.timestamp()) // 3600


def _flights(flights: Sequence[Row]) -> Figures:
    found: Figures = {
        "rows": len(flights),
        "cancelled": _cancelled(flights),
        "completed": sum(row["arr_delay"] != "NA" for row in flights),
        "days": len(_group(flights, "year", "month", "day")),
        "late_departures": _late(flights, "dep_delay"),
        "late_arrivals": _late(flights, "arr_delay"),
        "mean_departure_delay": fmean(_numbers(flights, "dep_delay")),
        "mean_arrival_delay": fmean(_numbers(flights, "arr_delay")),
        "distance_miles": sum(_numbers(flights, "distance")),
        "departure_hours": sum(_departure_hour(row) for row in flights if row["dep_time"] != "NA"),
    }
    return {f"fct_flights.{name}": value for name, value in found.items()}


def _carriers(flights: Sequence[Row], airlines: Sequence[Row]) -> Figures:
    found: Figures = {"dim_carriers.rows": len({r["carrier"] for r in [*flights, *airlines]})}
    for (code,), rows in _group(flights, "carrier").items():
        found[f"dim_carriers.{code}.flights"] = len(rows)
        found[f"fct_flights.{code}.cancelled"] = _cancelled(rows)
        found[f"fct_flights.{code}.mean_departure_delay"] = fmean(_numbers(rows, "dep_delay"))
    return found


def _airports(flights: Sequence[Row], airports: Sequence[Row]) -> Figures:
    flown = {row["origin"] for row in flights} | {row["dest"] for row in flights}
    listed = {row["faa"] for row in airports}
    return {
        "dim_airports.rows": len(listed | SUPPLEMENT | flown),
        "dim_airports.flown": len(flown),
        "dim_airports.supplement": len(SUPPLEMENT - listed),
        "dim_airports.unlisted": len(flown - listed - SUPPLEMENT),
    }


def _aircraft(flights: Sequence[Row], planes: Sequence[Row]) -> Figures:
    flown = Counter(row["tailnum"] for row in flights if row["tailnum"] != "NA")
    listed = {row["tailnum"] for row in planes}
    return {
        "dim_aircraft.rows": len(listed | flown.keys()),
        "dim_aircraft.in_registry": len(listed),
        "dim_aircraft.flights": flown.total(),
    }


def _days(flights: Sequence[Row]) -> Figures:
    days = _group(flights, "year", "month", "day", "origin").values()
    return {
        "daily_operations.rows": len(days),
        "daily_operations.most_cancelled": max(map(_cancelled, days)),
        "daily_operations.late_departures": sum(_late(rows, "dep_delay") for rows in days),
        "daily_operations.longest_delays": sum(max(_numbers(rows, "dep_delay"), default=0) for rows in days),
        "daily_operations.carriers": sum(len({row["carrier"] for row in rows}) for rows in days),
        "daily_operations.destinations": sum(len({row["dest"] for row in rows}) for rows in days),
        "daily_operations.mean_cancellation_rate": fmean(_cancelled(rows) / len(rows) for rows in days),
    }


def _routes(flights: Sequence[Row]) -> Figures:
    routes = _group(flights, "carrier", "origin", "dest").values()
    arrivals = [delays for rows in routes if (delays := _numbers(rows, "arr_delay"))]
    return {
        "carrier_route_punctuality.rows": len(routes),
        "carrier_route_punctuality.with_arrivals": len(arrivals),
        "carrier_route_punctuality.on_time": sum(minutes < LATE for delays in arrivals for minutes in delays),
        "carrier_route_punctuality.mean_on_time_rate": fmean(
            sum(minutes < LATE for minutes in delays) / len(delays) for delays in arrivals
        ),
    }


def _condition(hour: Row) -> str:
    def above(column: str, limit: float) -> bool:
        return hour[column] != "NA" and float(hour[column]) >= limit

    wet = hour["precip"] != "NA" and float(hour["precip"]) > 0
    if wet and hour["temp"] != "NA" and float(hour["temp"]) <= 32:
        return "freezing precipitation"
    if hour["visib"] != "NA" and float(hour["visib"]) < 3:
        return "low visibility"
    if wet:
        return "precipitation"
    # One reading of 1,048 mph is an error, not a wind.
    if (above("wind_speed", 25) and not above("wind_speed", 200)) or above("wind_gust", 35):
        return "strong wind"
    return "fair"


def _weather(flights: Sequence[Row], weather: Sequence[Row]) -> Figures:
    hour_of = itemgetter("origin", "year", "month", "day", "hour")
    conditions = {hour_of(row): _condition(row) for row in weather}
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for flight in flights:
        groups[flight["origin"], conditions.get(hour_of(flight), "not observed")].append(flight)
    found: Figures = {"weather_delays.rows": len(groups)}
    for (origin, condition), rows in groups.items():
        delays = _numbers(rows, "dep_delay")
        fair = fmean(_numbers(groups[origin, "fair"], "dep_delay"))
        key = f"weather_delays.{origin}.{condition}"
        found[f"{key}.flights"] = len(rows)
        found[f"{key}.cancelled"] = _cancelled(rows)
        found[f"{key}.excess_minutes"] = sum(delays) - fair * len(delays)
    return found


_ONE_ROW = {
    "fct_flights": """
        count(*) as `rows`, countif(flight_status = 'cancelled') as cancelled,
        countif(flight_status = 'completed') as completed, count(distinct flight_date) as days,
        countif(is_late_departure) as late_departures, countif(is_late_arrival) as late_arrivals,
        avg(departure_delay_minutes) as mean_departure_delay,
        avg(arrival_delay_minutes) as mean_arrival_delay, sum(distance_miles) as distance_miles,
        sum(div(unix_seconds(departed_at), 3600)) as departure_hours""",
    "dim_carriers": "count(*) as `rows`",
    "dim_airports": """
        count(*) as `rows`, countif(has_flights) as flown,
        countif(record_source = 'supplement') as supplement,
        countif(record_source = 'flights') as unlisted""",
    "dim_aircraft": """
        count(*) as `rows`, countif(is_in_registry) as in_registry, sum(flight_count) as flights""",
    "daily_operations": """
        count(*) as `rows`, max(cancelled_flights) as most_cancelled, sum(late_departures) as late_departures,
        sum(longest_departure_delay_minutes) as longest_delays, sum(carriers) as carriers,
        sum(destinations) as destinations, avg(cancellation_rate) as mean_cancellation_rate""",
    "carrier_route_punctuality": """
        count(*) as `rows`, count(on_time_rate) as with_arrivals, sum(on_time_arrivals) as on_time,
        avg(on_time_rate) as mean_on_time_rate""",
    "weather_delays": "count(*) as `rows`",
    "carriers_snapshot": "count(*) as `rows`",
}


def mart_figures(client: bigquery.Client, project: str, dataset: str) -> Figures:
    """Return the same figures from the tables in ``project.dataset``."""
    place = f"{project}.{dataset}"
    found: Figures = {}
    for table, columns in _ONE_ROW.items():
        (row,) = client.query(f"select {columns} from `{place}.{table}`").result()
        found |= {f"{table}.{name}": value for name, value in row.items()}
    for row in client.query(f"select * from `{place}.dim_carriers` where flight_count > 0").result():
        found[f"dim_carriers.{row.carrier_code}.flights"] = row.flight_count
    by_carrier = f"""
        select carrier_code, countif(flight_status = 'cancelled') as cancelled,
            avg(departure_delay_minutes) as mean_departure_delay
        from `{place}.fct_flights` group by carrier_code"""
    for row in client.query(by_carrier).result():
        found[f"fct_flights.{row.carrier_code}.cancelled"] = row.cancelled
        found[f"fct_flights.{row.carrier_code}.mean_departure_delay"] = row.mean_departure_delay
    for row in client.query(f"select * from `{place}.weather_delays`").result():
        key = f"weather_delays.{row.origin_code}.{row.weather_condition}"
        found[f"{key}.flights"] = row.scheduled_flights
        found[f"{key}.cancelled"] = row.cancelled_flights
        found[f"{key}.excess_minutes"] = row.excess_delay_minutes
    return found
