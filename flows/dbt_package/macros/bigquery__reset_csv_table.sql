{#- dbt drops a seed's table before it loads the new rows, so that a run that stops in between leaves none. The load job
    replaces the table as a whole by itself (WRITE_TRUNCATE, since dbt-bigquery 1.12.1). Dropped is only what it can't
    replace, a table partitioned or clustered, or that is to be empty, for which nothing is loaded; and, as dbt does for
    other databases, what is to be built from scratch. -#}
{% macro bigquery__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {% if full_refresh or not agate_table.rows or not adapter.is_replaceable(old_relation, none, none) %}
        {{ adapter.drop_relation(old_relation) }}
        {{ return(bigquery__create_csv_table(model, agate_table)) }}
    {% endif %}
{% endmacro %}
