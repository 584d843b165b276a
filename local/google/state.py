"""What the gateway remembers between starts: one JSON file, written atomically, without private keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.errors import LocalError
from local.secret_file import write_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

STATE_FILE = "state.json"


class StateError(LocalError):
    """The state cannot be read or written. The message names the file and the fix."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class KeyRecord(_Record):
    """A service account key that exists. ``certificate`` is PEM and holds the public key."""

    certificate: str
    created: int  # seconds since 1970
    expires: int  # seconds since 1970


class AccountRecord(_Record):
    """A service account. ``unique_id`` tells it from a later one of the same email."""

    account_id: str
    email: str
    unique_id: str
    display_name: str = ""
    description: str = ""
    disabled: bool = False
    generation: int = 1
    keys: dict[str, KeyRecord] = Field(default_factory=dict)
    bindings: list[dict[str, Any]] = Field(default_factory=list)


class ViewRecord(_Record):
    """A view's own SQL, and the tables it refers to as (project, dataset, table)."""

    query: str
    reads: list[tuple[str, str, str]]


class DatasetRecord(_Record):
    """A dataset's writable fields in BigQuery's own JSON form, ``access`` among them."""

    fields: dict[str, Any]
    modified: int  # milliseconds since 1970
    views: dict[str, ViewRecord] = Field(default_factory=dict)
    # Table -> fields of the API's table that the emulator has no place for.
    tables: dict[str, dict[str, Any]] = Field(default_factory=dict)
    # Table -> role -> members.
    grants: dict[str, dict[str, list[str]]] = Field(default_factory=dict)


class ProjectRecord(_Record):
    """A project with its policy, accounts (by email) and datasets (by id)."""

    number: str
    bindings: list[dict[str, Any]] = Field(default_factory=list)
    # The Google APIs that are switched on.
    services: list[str] = Field(default_factory=list)
    # Those served here that were switched off.
    services_off: list[str] = Field(default_factory=list)
    policy_version: int = 1
    policy_generation: int = 1
    accounts: dict[str, AccountRecord] = Field(default_factory=dict)
    datasets: dict[str, DatasetRecord] = Field(default_factory=dict)


class State(_Record):
    """Everything that is kept, by project id."""

    projects: dict[str, ProjectRecord] = Field(default_factory=dict)


class Store:
    """The state and its file. Only the event loop's thread uses it."""

    def __init__(self, directory: Path, projects: Sequence[str], owner: str) -> None:
        """Load ``directory``/state.json and add new ``projects``, owned by ``owner`` (an IAM member).

        Raises StateError when the file is there but cannot be read.
        """
        self.path = directory / STATE_FILE
        # Called with the state after each change of it.
        self.on_save: Callable[[State], None] = lambda _: None
        directory.mkdir(parents=True, exist_ok=True)
        self.state = self._load()
        self._served = set(projects)
        for project in projects:
            if project not in self.state.projects:
                binding = {"role": "roles/owner", "members": [owner]}
                number = str(100_000_000_000 + len(self.state.projects))
                self.state.projects[project] = ProjectRecord(number=number, bindings=[binding])
        self.save()

    def project(self, project_id: str) -> ProjectRecord | None:
        """Give a project by id or number; None where it is not served here."""
        for name in self._served:
            record = self.state.projects[name]
            if project_id in (name, record.number):
                return record
        return None

    def project_ids(self) -> list[str]:
        """Name the projects that are served, in order."""
        return sorted(self._served)

    def account(self, email: str) -> AccountRecord | None:
        """Give the service account of this email, in whichever project it lives."""
        for name in self._served:
            found = self.state.projects[name].accounts.get(email)
            if found is not None:
                return found
        return None

    def key_ids(self) -> frozenset[str]:
        """Name every service account key that exists now."""
        accounts = [
            account for name in self._served for account in self.state.projects[name].accounts.values()
        ]
        return frozenset(key_id for account in accounts for key_id in account.keys)

    def save(self) -> None:
        """Write the file whole or not at all."""
        try:
            write_secret(self.path, self.state.model_dump_json(indent=1))
        except OSError as error:
            message = f"cannot write {self.path}: {error.strerror}. Free some space or fix its permissions."
            raise StateError(message) from error
        self.on_save(self.state)

    def _load(self) -> State:
        try:
            return State.model_validate_json(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return State()
        except OSError as error:
            message = f"cannot read {self.path}: {error.strerror}. Fix its permissions."
            raise StateError(message) from error
        except (ValidationError, UnicodeDecodeError) as error:
            message = (
                f"{self.path} is not the Google gateway's state any more. "
                f"Put a good copy back, or remove it to start with no accounts and grants: rm {self.path}"
            )
            raise StateError(message) from error
