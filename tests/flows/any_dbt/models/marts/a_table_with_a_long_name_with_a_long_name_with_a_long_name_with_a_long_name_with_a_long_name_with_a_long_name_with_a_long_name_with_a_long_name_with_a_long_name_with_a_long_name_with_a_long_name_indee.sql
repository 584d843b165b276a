{{ config(post_hook="create or replace table {{ this.schema }}.hooked as select 1 as n") }}
select count(*) as receipts from {{ ref('receipts') }}
