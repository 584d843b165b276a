{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='flight_key',
        partition_by={'field': 'flight_date', 'data_type': 'date', 'granularity': 'day'},
        cluster_by=['carrier_code'],
        on_schema_change='fail',
        post_hook="{{ delete_withdrawn_flights() }}"
    )
}}
{%- set is_late_departure -%}
    coalesce(departure_delay_minutes >= {{ var('late_after_minutes') }}, false)
{%- endset %}
{%- set is_late_arrival -%}
    coalesce(arrival_delay_minutes >= {{ var('late_after_minutes') }}, false)
{%- endset %}

with

flights as (

    select * from {{ ref('stg_flights') }}

),

loaded as (

    select
        flight_key,
        flight_date,
        carrier_code,
        flight_number,
        tail_number,
        origin_code,
        destination_code,
        concat(origin_code, '-', destination_code) as route,
        flight_status,
        scheduled_hour_at,
        scheduled_departure_at,
        departed_at,
        departure_delay_minutes,
        arrival_delay_minutes,
        air_time_minutes,
        distance_miles,
        loaded_at
    from flights
    {% if is_incremental() %}
    -- Chosen by when a row was loaded, not by when it flew: a late or corrected row of an old day is seen too.
    where loaded_at > (select coalesce(max(loaded_at), timestamp('1970-01-01')) from {{ this }})
    {% endif %}

),

facts as (

    select * from loaded
    {% if is_incremental() %}
    union all

    -- Rows of two thresholds would not compare: those of another than today's are counted anew.
    select * except (is_late_departure, is_late_arrival) from {{ this }}
    where
        (is_late_departure != {{ is_late_departure }} or is_late_arrival != {{ is_late_arrival }})
        and flight_key not in (select flight_key from loaded)
    {% endif %}

),

final as (

    select
        *,
        {{ is_late_departure }} as is_late_departure,
        {{ is_late_arrival }} as is_late_arrival
    from facts

)

select * from final
