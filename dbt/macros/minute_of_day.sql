{#- A clock time written as the number HHMM, as minutes after midnight, 0 to 1439. The data writes midnight as 2400. -#}
{% macro minute_of_day(column) -%}
    mod(div({{ column }}, 100) * 60 + mod({{ column }}, 100), 1440)
{%- endmacro %}
