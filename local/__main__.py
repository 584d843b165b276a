"""`python -m local up|down|status|env|logs|reset|demo`: the embedded platform's command line."""

from __future__ import annotations

import argparse
import sys

from local.errors import LocalError
from local.paths import Paths
from local.platform import demo, report
from local.platform.environment import as_shell
from local.platform.lifecycle import Platform

COMMANDS = {
    "up": "start the platform and wait until it answers",
    "down": "stop it; what it keeps stays in .local/",
    "status": "what runs, where, and where its log is",
    "env": 'the variables for pulumi, dbt and the flow: eval "$(python -m local env)"',
    "logs": "the end of the logs",
    "reset": "stop it and forget everything that it keeps",
    "demo": "the whole job: platform, pulumi up, raw data, flow",
}


def say(line: str) -> None:
    """Progress goes to stderr: stdout belongs to `env` and `status`."""
    print(line, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    top = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == "logs":
            command.add_argument("service", nargs="?", choices=report.SERVICES, help="only this one's")
            command.add_argument("-n", "--lines", type=int, default=20, help="how many lines (20)")
    return top


def run(arguments: argparse.Namespace) -> int:
    """Carry out one command; the process's exit code."""
    paths = Paths()
    platform = Platform(paths, say)
    match arguments.command:
        case "up":
            platform.up()
            print(report.status(paths, platform.settings()))
        case "down":
            platform.down()
        case "status":
            print(report.status(paths, platform.settings()))
            return 0 if report.all_healthy(paths, platform.settings()) else 3
        case "env":
            print(as_shell(platform.variables()))
        case "logs":
            print(report.logs(paths, platform.settings(), arguments.service, arguments.lines))
        case "reset":
            platform.reset()
        case "demo":
            return demo.run(platform)
    return 0


def main() -> int:
    """Run the command line; a LocalError becomes one message."""
    try:
        return run(parser().parse_args())
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command goes on where this one stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
