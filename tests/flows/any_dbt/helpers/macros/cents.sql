{% macro cents(column) %}cast(round({{ column }} * 100) as int64){% endmacro %}
