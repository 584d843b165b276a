"""Service accounts, keys, roles, policies, and who may do what."""
