select product_id, name, {{ helpers.cents('price') }} as price_cents
from {{ source('landing', 'products') }}
