"""Bring the platform up, down, and say how it is."""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.errors import LocalError
from local.paths import user_cache
from local.platform import environment, settings
from local.platform.ports import require_free
from local.platform.services import all_services
from local.pulumi_cli import find, pulumi_home
from local.secret_file import write_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local.paths import Paths
    from local.platform.services import Service
    from local.platform.settings import Settings

LOCK_SECONDS = 600


@dataclass(frozen=True)
class Platform:
    """The platform of one checkout."""

    paths: Paths
    say: Callable[[str], None]

    def settings(self) -> Settings:
        """Read the addresses in Pulumi.local.yaml."""
        return settings.load(self.paths.stack_settings)

    def variables(self) -> dict[str, str]:
        """What `python -m local env` prints.

        Raises:
            LocalError: the platform was never started here, or the Pulumi CLI is not there yet.
        """
        environment.owner_token(self.paths)
        pulumi_bin = find.existing(user_cache(), self.say)
        if pulumi_bin is None:
            raise LocalError(
                "the Pulumi CLI is not there: `make up` installs it, or builds it in some minutes"
            )
        return self._variables(pulumi_bin)

    def _variables(self, pulumi_bin: Path) -> dict[str, str]:
        token = environment.owner_token(self.paths)
        return environment.variables(self.paths, self.settings(), token, pulumi_bin)

    def up(self) -> None:
        """Start what does not run yet, and wait until everything answers.

        Raises:
            LocalError: a port is taken, a service does not start, the Pulumi CLI can't be had, …
        """
        config = self.settings()
        with self._one_at_a_time():
            if not self.paths.owner_token.exists():
                write_secret(self.paths.owner_token, secrets.token_urlsafe(32))
            services = all_services(self.paths, config)
            for service in services:
                if service.process.running() is not None and service.outdated:
                    self.say(f"{service.name}: its settings have changed; starting it again")
                    service.process.stop()
            self._require_ports(services, config)
            waiting = [service for service in services if self._start(service)]
            # Prefect takes its time; the Pulumi CLI is installed or built meanwhile.
            variables = self._variables(find.directory(user_cache(), self.say))
            pulumi_home.prepare(self.paths, environment.process_environment(variables))
            for service in waiting:
                self._wait(service)

    def down(self) -> None:
        """Stop every service; nothing of it is left running."""
        with self._one_at_a_time():
            for service in reversed(all_services(self.paths, self.settings())):
                if service.process.stop():
                    self.say(f"{service.name}: stopped")

    def reset(self) -> None:
        """Stop everything and forget what the platform keeps: tables, blocks, keys, the stack's state."""
        self.down()
        for kept in self.paths.state.iterdir():
            if kept.name not in ("lock", "data", "uv"):
                shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        self.say(f"{self.paths.state} is empty: `make demo` starts afresh")

    def _require_ports(self, services: list[Service], config: Settings) -> None:
        for service in services:
            if service.port is not None and service.process.running() is None:
                port, key = service.port
                require_free(port, service.what, settings.line_of(config.source, key))

    def _start(self, service: Service) -> bool:
        if service.process.running() is not None:
            if service.healthy():
                self.say(f"{service.name}: running")
                return False
            if service.process.age() > service.seconds:
                self.say(f"{service.name}: runs but does not answer; starting it again")
                service.process.stop()
        if service.process.running() is None:
            service.start()
        if service.needed_at_once:
            self._wait(service)
            return False
        return True

    def _wait(self, service: Service) -> None:
        started = time.monotonic()
        service.process.wait_ready(service.healthy, service.seconds)
        self.say(f"{service.name}: up after {time.monotonic() - started:.0f} s ({service.address})")

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        self.paths.state.mkdir(parents=True, exist_ok=True)
        # Prefect's database, its key and the emulator's socket are this user's alone.
        self.paths.state.chmod(0o700)
        with (self.paths.state / "lock").open("w") as handle:
            deadline = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        raise LocalError("another `python -m local` command is still at work here") from error
                    time.sleep(0.2)
            yield
