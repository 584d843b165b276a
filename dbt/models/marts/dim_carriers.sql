with

airlines as (

    select * from {{ ref('stg_airlines') }}

),

flown as (

    select
        carrier_code,
        min(flight_date) as first_flight_date,
        max(flight_date) as last_flight_date,
        count(*) as flight_count
    from {{ ref('fct_flights') }}
    group by carrier_code

),

final as (

    select
        carrier_code,
        airlines.carrier_name,
        flown.first_flight_date,
        flown.last_flight_date,
        coalesce(flown.flight_count, 0) as flight_count
    from airlines
    full outer join flown using (carrier_code)

)

select * from final
