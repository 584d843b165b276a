with

flights as (

    select * from {{ ref('fct_flights') }}

),

final as (

    select
        flight_date,
        origin_code,
        count(*) as scheduled_flights,
        countif(flight_status = 'completed') as completed_flights,
        countif(flight_status = 'cancelled') as cancelled_flights,
        countif(flight_status = 'diverted') as diverted_flights,
        countif(is_late_departure) as late_departures,
        countif(is_late_arrival) as late_arrivals,
        -- No safe_divide: a row has at least one flight.
        countif(flight_status = 'cancelled') / count(*) as cancellation_rate,
        avg(departure_delay_minutes) as mean_departure_delay_minutes,
        avg(arrival_delay_minutes) as mean_arrival_delay_minutes,
        max(departure_delay_minutes) as longest_departure_delay_minutes,
        count(distinct carrier_code) as carriers,
        count(distinct destination_code) as destinations
    from flights
    group by flight_date, origin_code

)

select * from final
