select date(sold_at) as day, sum(total_cents) as total_cents from {{ ref('receipts') }} group by 1
