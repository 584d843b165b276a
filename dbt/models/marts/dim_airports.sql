with

airports as (

    select * from {{ ref('stg_airports') }}

),

supplement as (

    select * from {{ ref('airports_supplement') }}

),

flown as (

    select distinct destination_code as airport_code from {{ ref('fct_flights') }}
    union distinct
    select distinct origin_code as airport_code from {{ ref('fct_flights') }}

),

known as (

    select
        airport_code, airport_name, latitude, longitude, altitude_feet,
        utc_offset_hours, daylight_saving_rule, time_zone, 'airports' as record_source
    from airports

    union all

    -- The data set's list leaves out Puerto Rico and the Virgin Islands. Once it has them, it wins.
    select
        airport_code, airport_name, latitude, longitude, altitude_feet,
        utc_offset_hours, daylight_saving_rule, time_zone, 'supplement' as record_source
    from supplement
    where airport_code not in (select airport_code from airports)

),

final as (

    select
        airport_code,
        known.airport_name,
        known.latitude,
        known.longitude,
        known.altitude_feet,
        known.utc_offset_hours,
        known.daylight_saving_rule,
        known.time_zone,
        flown.airport_code is not null as has_flights,
        coalesce(known.record_source, 'flights') as record_source
    from known
    -- An airport that only flights mention still gets a row, so that no flight is lost in a join.
    full outer join flown using (airport_code)

)

select * from final
