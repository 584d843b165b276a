"""A team's dbt project as it lies in its directory: where that is, what it is called, what it needs."""
