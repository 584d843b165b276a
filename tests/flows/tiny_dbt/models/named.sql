{{ config(materialized="ephemeral") }}
select id, name from {{ ref("people") }} where name is not null
