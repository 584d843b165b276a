{{ config(materialized="view") }}
select id, length(greeting) as length from {{ ref("greetings") }}
