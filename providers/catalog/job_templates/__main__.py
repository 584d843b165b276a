"""`python -m providers.catalog.job_templates [--check]`: write the committed base job templates.

`--check` writes nothing and fails where a file is out of date. Needs the workers' libraries installed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from providers.catalog.job_templates import HERE, WORKERS


def text(worker: str) -> str:
    """Return the file's text for a worker's class, `package.module:Class`."""
    module, _, name = worker.partition(":")
    template = getattr(importlib.import_module(module), name).get_default_base_job_template()
    return json.dumps(template, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 1 where `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m providers.catalog.job_templates", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is out of date")
    options = parser.parse_args(arguments)
    stale = 0
    for pool_type, worker in WORKERS.items():
        path, wanted = HERE / f"{pool_type}.json", text(worker)
        if path.is_file() and path.read_text(encoding="utf-8") == wanted:
            continue
        stale += 1
        if options.check:
            print(
                f"error: {path.name} is out of date; run python -m providers.catalog.job_templates",
                file=sys.stderr,
            )
        else:
            path.write_text(wanted, encoding="utf-8")
            print(f"wrote providers/catalog/job_templates/{path.name}")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
