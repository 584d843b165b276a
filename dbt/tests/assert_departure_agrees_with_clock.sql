-- Departure is worked out as schedule plus delay, in UTC. The clock time in the data is a second, independent record
-- of it: the two must agree to the minute, across midnight and summer time.
select flight_key, departed_at, departure_minute
from {{ ref('stg_flights') }}
where departure_minute != extract(hour from departed_at at time zone 'America/New_York') * 60
    + extract(minute from departed_at at time zone 'America/New_York')
