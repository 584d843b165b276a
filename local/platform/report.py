"""What the platform's command line shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.platform.services import all_services

if TYPE_CHECKING:
    from local.paths import Paths
    from local.platform.settings import Settings

SERVICES = ("bigquery", "google", "prefect")


def status(paths: Paths, config: Settings) -> str:
    """One line per service: name, state, address, pid, log."""
    rows = [("SERVICE", "STATE", "ADDRESS", "PID", "LOG")]
    for service in all_services(paths, config):
        process = service.process.running()
        state = "stopped" if process is None else "up" if service.healthy() else "not answering"
        log = service.process.log
        shown = str(log.relative_to(paths.root)) if log.exists() else "-"
        pid = str(process.pid) if process else "-"
        rows.append((service.name, state, service.address.removeprefix(f"{paths.root}/"), pid, shown))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def all_healthy(paths: Paths, config: Settings) -> bool:
    """Whether every service answers."""
    return all(service.healthy() for service in all_services(paths, config))


def logs(paths: Paths, config: Settings, name: str | None, lines: int) -> str:
    """The last lines of one service's log, or of each."""
    chosen = [service.process for service in all_services(paths, config) if name in (None, service.name)]
    return "\n\n".join(f"==> {process.log} <==\n{process.log_tail(lines)}" for process in chosen)
