select id, concat("Hello ", name) as greeting from {{ ref("named") }}
