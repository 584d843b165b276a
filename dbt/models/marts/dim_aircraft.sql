with

planes as (

    select * from {{ ref('stg_planes') }}

),

flown as (

    select tail_number, count(*) as flight_count
    from {{ ref('fct_flights') }}
    where tail_number is not null
    group by tail_number

),

final as (

    select
        tail_number,
        planes.year_built,
        planes.aircraft_type,
        planes.manufacturer,
        planes.model,
        planes.engine_count,
        planes.engine_type,
        planes.seat_count,
        planes.cruising_speed_mph,
        coalesce(flown.flight_count, 0) as flight_count,
        planes.tail_number is not null as is_in_registry
    from planes
    -- One flight in seven is flown by an aircraft that the registry lacks; it still gets a row.
    full outer join flown using (tail_number)

)

select * from final
