{#- No two rows agree in all of the columns: the table's grain is what its description says. -#}
{% test unique_combination_of(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
