with

source as (

    select * from {{ source('raw', 'weather') }}

),

renamed as (

    select
        origin as airport_code,
        time_hour as observed_hour_at,
        temp as temperature_f,
        dewp as dew_point_f,
        humid as relative_humidity,
        wind_dir as wind_direction_degrees,
        wind_speed as wind_speed_mph,
        wind_gust as wind_gust_mph,
        precip as precipitation_inches,
        pressure as pressure_millibars,
        visib as visibility_miles,
        _loaded_at as loaded_at
    from source

),

final as (

    select
        -- No wind of this world blows at 1,048 mph (Newark, 12 February, 3 o'clock): a reading past 200 is an error.
        * replace (if(wind_speed_mph > 200, null, wind_speed_mph) as wind_speed_mph)
    from renamed

)

select * from final
