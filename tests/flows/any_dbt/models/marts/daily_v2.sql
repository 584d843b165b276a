select d.day, d.total_cents, w.sunny, '{{ env_var("KIOSK_TOWN") }}' as town
from {{ ref('daily', v=1) }} d
left join {{ ref('stg_weather') }} w on w.day = d.day
