with

source as (

    select * from {{ source('raw', 'flights') }}

),

renamed as (

    select
        -- A flight number is flown at most once a day from an airport; tests hold us to it.
        concat(
            cast(date(year, month, day) as string), '-', carrier, '-', cast(flight as string), '-', origin
        ) as flight_key,
        date(year, month, day) as flight_date,
        carrier as carrier_code,
        flight as flight_number,
        tailnum as tail_number,
        origin as origin_code,
        dest as destination_code,

        -- time_hour is the scheduled hour in UTC, so summer time is dealt with already.
        time_hour as scheduled_hour_at,
        timestamp_add(time_hour, interval minute minute) as scheduled_departure_at,

        {{ minute_of_day('sched_dep_time') }} as scheduled_departure_minute,
        {{ minute_of_day('dep_time') }} as departure_minute,
        {{ minute_of_day('sched_arr_time') }} as scheduled_arrival_minute,
        {{ minute_of_day('arr_time') }} as arrival_minute,

        dep_delay as departure_delay_minutes,
        arr_delay as arrival_delay_minutes,
        air_time as air_time_minutes,
        distance as distance_miles,

        _loaded_at as loaded_at

    from source

),

final as (

    select
        *,
        -- The delay says on which day a flight left: 2330 and 0030 may be one hour or 23 hours apart.
        timestamp_add(scheduled_departure_at, interval departure_delay_minutes minute) as departed_at,
        case
            when departure_minute is null then 'cancelled'
            when arrival_delay_minutes is null then 'diverted'
            else 'completed'
        end as flight_status
    from renamed

)

select * from final
