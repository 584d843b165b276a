select day, sunny from {{ source('town', 'weather') }}
