{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='sold_at',
    batch_size='day',
    begin='2026-01-01',
    lookback=0,
    partition_by={'field': 'sold_at', 'data_type': 'timestamp', 'granularity': 'day'},
) }}
select sale_id, sold_at, total_cents from {{ ref('receipts') }}
