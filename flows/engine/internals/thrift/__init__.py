"""What lets dbt take less time and memory, with the same outcome: imports, sign-in, its own work."""

__all__ = ["lean_imports", "quickly", "shared_sign_in"]
