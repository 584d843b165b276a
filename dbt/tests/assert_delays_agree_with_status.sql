-- A cancelled flight has no delay and no departure; one that left has a departure delay; a completed one an arrival delay.
select flight_key, flight_status
from {{ ref('fct_flights') }}
where (flight_status = 'cancelled') != (departure_delay_minutes is null)
    or (flight_status = 'cancelled') != (departed_at is null)
    or (flight_status = 'completed') != (arrival_delay_minutes is not null)
