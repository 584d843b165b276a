{#- A merge adds and corrects rows but never takes one away: a flight that its day's raw data no longer has is deleted
    here. Days that the raw table does not hold any more keep their flights. -#}
{% macro delete_withdrawn_flights() -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where flight_date in (select flight_date from {{ ref('stg_flights') }})
        and flight_key not in (select flight_key from {{ ref('stg_flights') }})
    {%- endif -%}
{%- endmacro %}
