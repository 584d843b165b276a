"""From a target's name to a dbt profile that is signed in: names, blocks, profile, sign-in, warehouse."""
