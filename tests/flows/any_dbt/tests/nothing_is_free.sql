select * from {{ ref('receipts') }} where total_cents < {{ var('cheapest') }}
