"""Log lines as JSON, one object a line, for whatever collects the output of containers."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

VARIABLE = "PIPELINE_LOG_FORMAT"
_FIELDS = ("flow_run_id", "flow_run_name", "task_run_id", "task_run_name")


def wanted() -> bool:
    """Say whether the environment asks for JSON."""
    return os.environ.get(VARIABLE, "").strip().lower() == "json"


# For argparse's add_argument.
OPTION: dict[str, Any] = {
    "choices": ("text", "json"),
    "default": "json" if wanted() else "text",
    "help": f"log lines for people, or one JSON object a line (default: %(default)s; {VARIABLE} sets it)",
}


def install() -> None:
    """Let every logger that Prefect writes to the console write JSON to the same stream."""
    from flows.run import insides  # noqa: PLC0415 - sets up Prefect's logging

    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    for logger in (logging.root, *loggers):
        for handler in list(logger.handlers):
            if isinstance(handler, insides.ConsoleHandler):
                plain: logging.Handler = logging.StreamHandler(handler.stream)
                plain.setLevel(handler.level)
                plain.setFormatter(JsonFormatter())
                logger.removeHandler(handler)
                logger.addHandler(plain)


def error_line(message: str) -> str:
    """Return the line for an error that no logger has told."""
    return JsonFormatter().format(logging.LogRecord("flows", logging.ERROR, "", 0, message, None, None))


class JsonFormatter(logging.Formatter):
    """Writes time (UTC), level, message, logger, and the ids and names of flow run and task run."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        line |= {name: str(value) for name in _FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["exception"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
