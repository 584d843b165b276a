"""Run dbt in this process: the room that knows dbt's insides."""
