{% macro refill(number=1) %}
    {% do run_query("create or replace table " ~ target.schema ~ ".refilled as select " ~ number ~ " as n") %}
    {{ log("refilled with " ~ number, info=true) }}
{% endmacro %}
