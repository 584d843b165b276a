-- Summaries neither lose nor double a flight: each adds up to the fact table. On the days that staging still holds,
-- that has as many flights as staging.
with

totals as (

    select 'daily_operations' as relation, sum(scheduled_flights) as flights from {{ ref('daily_operations') }}
    union all
    select 'carrier_route_punctuality', sum(scheduled_flights) from {{ ref('carrier_route_punctuality') }}
    union all
    select 'weather_delays', sum(scheduled_flights) from {{ ref('weather_delays') }}

)

select relation, flights
from totals
where flights is null or flights != (select count(*) from {{ ref('fct_flights') }})

union all

select 'stg_flights', count(*)
from {{ ref('stg_flights') }}
having count(*) != (
    select count(*) from {{ ref('fct_flights') }}
    where flight_date in (select flight_date from {{ ref('stg_flights') }})
)
