with

flights as (

    select * from {{ ref('fct_flights') }}

),

weather as (

    select
        airport_code,
        observed_hour_at,
        -- The worst first: an hour counts once.
        case
            when precipitation_inches > 0 and temperature_f <= 32 then 'freezing precipitation'
            when visibility_miles < 3 then 'low visibility'
            when precipitation_inches > 0 then 'precipitation'
            when wind_speed_mph >= 25 or wind_gust_mph >= 35 then 'strong wind'
            else 'fair'
        end as weather_condition
    from {{ ref('stg_weather') }}

),

flights_in_weather as (

    select
        flights.*,
        coalesce(weather.weather_condition, 'not observed') as weather_condition
    from flights
    left join weather
        on flights.origin_code = weather.airport_code
        and flights.scheduled_hour_at = weather.observed_hour_at

),

by_condition as (

    select
        origin_code,
        weather_condition,
        count(*) as scheduled_flights,
        countif(flight_status = 'cancelled') as cancelled_flights,
        countif(flight_status != 'cancelled') as departed_flights,
        countif(is_late_departure) as late_departures,
        coalesce(sum(departure_delay_minutes), 0) as departure_delay_minutes,
        avg(departure_delay_minutes) as mean_departure_delay_minutes
    from flights_in_weather
    group by origin_code, weather_condition

),

fair_weather as (

    select
        origin_code,
        mean_departure_delay_minutes as fair_mean_departure_delay_minutes
    from by_condition
    where weather_condition = 'fair'

),

final as (

    select
        by_condition.*,
        by_condition.cancelled_flights / by_condition.scheduled_flights as cancellation_rate,
        safe_divide(by_condition.late_departures, by_condition.departed_flights) as late_departure_rate,
        -- What the same airport's flights lose in fair weather is not the weather's doing.
        by_condition.mean_departure_delay_minutes
            - fair_weather.fair_mean_departure_delay_minutes as excess_delay_minutes_per_flight,
        by_condition.departure_delay_minutes
            - by_condition.departed_flights * fair_weather.fair_mean_departure_delay_minutes as excess_delay_minutes
    from by_condition
    left join fair_weather using (origin_code)

)

select * from final
