{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'flight_date', 'data_type': 'date', 'granularity': 'month'},
        cluster_by=['carrier_code'],
        on_schema_change='fail'
    )
}}
{%- set columns -%}
    flight_key,
        flight_date,
        carrier_code,
        flight_number,
        tail_number,
        origin_code,
        destination_code,
        route,
        flight_status,
        scheduled_hour_at,
        scheduled_departure_at,
        departed_at,
        departure_delay_minutes,
        arrival_delay_minutes,
        air_time_minutes,
        distance_miles,
        loaded_at
{%- endset %}

with

flights as (

    select
        *,
        concat(origin_code, '-', destination_code) as route
    from {{ ref('stg_flights') }}

),

facts as (

    select
        {{ columns }}
    from flights
    {% if is_incremental() %}
    union all

    -- Days that the raw table does not hold any more keep their flights.
    select
        {{ columns }}
    from {{ this }} as built
    where not exists (select 1 from flights where flights.flight_date = built.flight_date)
    {% endif %}

),

final as (

    select
        *,
        coalesce(departure_delay_minutes >= {{ var('late_after_minutes') }}, false) as is_late_departure,
        coalesce(arrival_delay_minutes >= {{ var('late_after_minutes') }}, false) as is_late_arrival
    from facts

)
{%- if is_incremental() %},

changed_months as (

    -- Flights are compared one by one, whatever their day: new, corrected and withdrawn ones, and those that another
    -- threshold makes late or not.
    select distinct date_trunc(coalesce(final.flight_date, built.flight_date), month) as month
    from final
    full join {{ this }} as built on final.flight_key = built.flight_key
    where final.loaded_at is distinct from built.loaded_at
        or final.is_late_departure is distinct from built.is_late_departure
        or final.is_late_arrival is distinct from built.is_late_arrival

)

select * from final
where date_trunc(flight_date, month) in (select month from changed_months)
{%- else %}

select * from final
{%- endif %}
