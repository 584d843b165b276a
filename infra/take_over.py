"""Take over what others have made in Prefect of the stack's names, once.

python -m infra.take_over --stack dev

Sets `adopt`, lets Pulumi preview, ask and update, and takes the setting back, whatever comes of it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from infra.settings import project
from infra.settings.stack_file import read


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; Pulumi's own exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.take_over",
        description="Take over work pool, deployments and concurrency limit that others have made of the "
        "stack's names: their settings are replaced, and `pulumi destroy` deletes them.",
    )
    parser.add_argument("--stack", "-s", required=True)
    parser.add_argument("--yes", action="store_true", help="update without asking")
    given = parser.parse_args(argv)
    key, stack = f"{project.namespace()}:adopt", ("-s", given.stack)
    if key in read(str(project.ROOT / f"Pulumi.{given.stack}.yaml")).lines:
        print(f"error: {key} is set already: `pulumi up -s {given.stack}` takes over", file=sys.stderr)
        return 2
    if code := _pulumi("config", "set", key, "true", *stack):
        return code
    try:
        code = _pulumi("up", *stack, *(["--yes"] if given.yes else []))
    finally:
        settled = _pulumi("config", "rm", key, *stack)
    # What was taken over stays the stack's without the setting.
    return code or settled or _pulumi("preview", "--expect-no-changes", *stack)


def _pulumi(*arguments: str) -> int:
    try:
        return subprocess.run(["pulumi", *arguments], cwd=project.ROOT, check=False).returncode
    except FileNotFoundError:
        print(
            "error: there is no `pulumi` on the path: https://www.pulumi.com/docs/install/", file=sys.stderr
        )
        return 2


if __name__ == "__main__":
    sys.exit(main())
