"""Write what is made from the settings' model, or say what is out of date.

python -m infra.settings --write
python -m infra.settings --check
python -m infra.settings --google-project my-project
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.settings import declared, google_project
from infra.settings.groups import dbt_profile


def files() -> dict[Path, str]:
    """What each file that is made has to hold; asks dbt-bigquery too, which takes seconds."""
    fields = json.dumps(dbt_profile.of_dbt(), indent=1, sort_keys=True) + "\n"
    return {**declared.files(), dbt_profile.FIELDS: fields}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 1 where a check finds something, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m infra.settings")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write Pulumi.yaml's config, docs/settings.md …")
    what.add_argument("--check", action="store_true", help="name the files that are out of date")
    what.add_argument(
        "--google-project", metavar="ID", help="put your Google project into the file of every stack"
    )
    given = parser.parse_args(argv)
    if given.google_project:
        return google_project.main(given.google_project)
    stale = {path: text for path, text in files().items() if path.read_text(encoding="utf-8") != text}
    for path, text in stale.items():
        if given.write:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.name}")
        else:
            print(f"out of date: {path.name}; `python -m infra.settings --write`", file=sys.stderr)
    return 1 if stale and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
