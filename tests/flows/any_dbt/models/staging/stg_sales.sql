{{ config(materialized='ephemeral') }}
select sale_id, product_id, cast(sold_at as timestamp) as sold_at, amount
from {{ source('landing', 'sales') }}
