with

flights as (

    select * from {{ ref('fct_flights') }}

),

carriers as (

    select * from {{ ref('dim_carriers') }}

),

by_route as (

    select
        carrier_code,
        origin_code,
        destination_code,
        route,
        count(*) as scheduled_flights,
        countif(flight_status = 'completed') as completed_flights,
        countif(flight_status = 'cancelled') as cancelled_flights,
        countif(flight_status = 'completed' and not is_late_arrival) as on_time_arrivals,
        avg(departure_delay_minutes) as mean_departure_delay_minutes,
        avg(arrival_delay_minutes) as mean_arrival_delay_minutes,
        avg(air_time_minutes) as mean_air_time_minutes,
        avg(distance_miles) as distance_miles
    from flights
    group by carrier_code, origin_code, destination_code, route

),

final as (

    select
        by_route.*,
        carriers.carrier_name,
        -- Null where no flight of the route arrived: no rate is better than a rate of nothing.
        safe_divide(by_route.on_time_arrivals, by_route.completed_flights) as on_time_rate,
        by_route.cancelled_flights / by_route.scheduled_flights as cancellation_rate
    from by_route
    left join carriers using (carrier_code)

)

select * from final
