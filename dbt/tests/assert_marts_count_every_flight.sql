-- Summaries neither lose nor double a flight: each adds up to the fact table, which has as many rows as staging.
with

totals as (

    select 'stg_flights' as relation, count(*) as flights from {{ ref('stg_flights') }}
    union all
    select 'daily_operations', sum(scheduled_flights) from {{ ref('daily_operations') }}
    union all
    select 'carrier_route_punctuality', sum(scheduled_flights) from {{ ref('carrier_route_punctuality') }}
    union all
    select 'weather_delays', sum(scheduled_flights) from {{ ref('weather_delays') }}

)

select *
from totals
where flights is null or flights != (select count(*) from {{ ref('fct_flights') }})
