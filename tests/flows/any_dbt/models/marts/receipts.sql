select s.sale_id, s.sold_at, s.amount, p.price_cents, s.amount * p.price_cents as total_cents
from {{ ref('stg_sales') }} s
join {{ ref('stg_products') }} p on p.product_id = s.product_id
