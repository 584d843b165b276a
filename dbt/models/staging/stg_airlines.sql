with

source as (

    select * from {{ source('raw', 'airlines') }}

),

renamed as (

    select
        carrier as carrier_code,
        name as carrier_name,
        _loaded_at as loaded_at
    from source

)

select * from renamed
