"""The settings of Prefect's own client, found where it finds them, without its import of 2.9 s.

Read in `prefect.settings.sources` of Prefect 3.9.1; `tests/providers/test_prefect_settings.py` holds the two
against each other.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.api.errors import PrefectError

# Prefect's settings by their names, and where each stands in prefect.toml or in [tool.prefect] of
# pyproject.toml.
SETTINGS: dict[str, tuple[str, ...]] = {
    "PREFECT_API_URL": ("api", "url"),
    "PREFECT_API_KEY": ("api", "key"),
    "PREFECT_API_AUTH_STRING": ("api", "auth_string"),
    "PREFECT_API_SSL_CERT_FILE": ("api", "ssl_cert_file"),
    "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": ("api", "tls_insecure_skip_verify"),
    "PREFECT_CLIENT_CUSTOM_HEADERS": ("client", "custom_headers"),
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": ("client", "csrf_support_enabled"),
    "PREFECT_PROFILES_PATH": ("profiles_path",),
    "PREFECT_UI_URL": ("ui_url",),
}
# What pydantic takes for a boolean.
BOOLEANS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


@dataclass(frozen=True)
class Setting:
    """A value, where it was found, and whether that is a file or the process's own environment."""

    value: Any
    place: str
    is_file: bool = True


class PrefectSettings:
    """Prefect's settings as a client in `directory` with this environment has them.

    In Prefect's order: the environment, `.env`, `prefect.toml`, `pyproject.toml`, the active profile. Raises
    PrefectError for a file that can't be read, as Prefect's client would.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._environment = {name.upper(): value for name, value in environment.items()}
        self._dotenv = {name.upper(): value for name, value in _dotenv(directory / ".env").items()}
        self._tables = {
            "prefect.toml": _toml(directory / "prefect.toml"),
            "pyproject.toml": _inside(_toml(directory / "pyproject.toml"), ("tool", "prefect")) or {},
        }
        self._directory = directory
        self.profile, self._in_profile = self._active_profile()

    def find(self, name: str) -> Setting | None:
        """Return a setting, be it empty, or None where nobody says anything of it."""
        found = next(self._before_profile(name), None)
        if found is None and self._in_profile.get(name) is not None:
            return Setting(self._in_profile[name], f"{name} in Prefect's profile {self.profile!r}")
        return found

    def text(self, name: str) -> str | None:
        """Return a setting's text; None where it is empty or missing."""
        found = self.find(name)
        return str(found.value) if found and found.value not in {None, ""} else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a setting that is true or false. Raises PrefectError for anything else."""
        found = self.find(name)
        if found is None:
            return default
        if isinstance(found.value, bool):
            return found.value
        try:
            return BOOLEANS[str(found.value).strip().lower()]
        except KeyError:
            raise PrefectError(f"{found.place}: {found.value!r} must be true or false") from None

    def headers(self, name: str) -> dict[str, str]:
        """Return a setting that is a JSON object of texts, or a table. Its errors quote none of it."""
        found = self.find(name)
        if found is None:
            return {}
        try:
            value = json.loads(found.value) if isinstance(found.value, str) else found.value
        except ValueError:
            value = None
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise PrefectError(
                f'{found.place}: must be a JSON object of texts, such as \'{{"X-Header": "value"}}\''
            )
        return value

    def _before_profile(self, name: str) -> Iterator[Setting]:
        if name in self._environment:
            yield Setting(self._environment[name], name, is_file=False)
        if self._dotenv.get(name) is not None:
            yield Setting(self._dotenv[name], f"{name} in .env")
        for file, table in self._tables.items():
            value = _inside(table, SETTINGS[name])
            if value is not None:
                yield Setting(value, f"{'.'.join(SETTINGS[name])} in {file}")

    def _active_profile(self) -> tuple[str | None, Mapping[str, Any]]:
        """Return the active profile's name and what it says; Prefect's built-in ones have no address."""
        file = _toml(self._profiles_path())
        name = self._environment.get("PREFECT_PROFILE") or file.get("active")
        found = _inside(file, ("profiles", name)) if name else None
        return name, found if isinstance(found, dict) else {}

    def _profiles_path(self) -> Path:
        told = next(self._before_profile("PREFECT_PROFILES_PATH"), None)
        if told and told.value:
            return self._directory / str(told.value)
        if home := self._environment.get("PREFECT_HOME"):
            return self._directory / home / "profiles.toml"
        return Path.home() / ".prefect" / "profiles.toml"


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except tomllib.TOMLDecodeError as error:
        raise PrefectError(f"{path}: is not valid TOML ({error}), so Prefect can't read it either") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PrefectError(f"{path}: can't be read ({error})") from error


def _dotenv(path: Path) -> Mapping[str, str | None]:
    if not path.is_file():
        return {}
    import dotenv  # noqa: PLC0415  only where there is such a file

    return dotenv.dotenv_values(path)


def _inside(table: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    value: Any = table
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
