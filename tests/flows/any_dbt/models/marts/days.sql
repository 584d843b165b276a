select day from unnest(generate_date_array('2026-01-01', '2026-01-03')) as day
