with

source as (

    select * from {{ source('raw', 'planes') }}

),

renamed as (

    select
        tailnum as tail_number,
        year as year_built,
        type as aircraft_type,
        manufacturer,
        model,
        engines as engine_count,
        engine as engine_type,
        seats as seat_count,
        speed as cruising_speed_mph,
        _loaded_at as loaded_at
    from source

)

select * from renamed
