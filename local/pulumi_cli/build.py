"""The Pulumi CLI and its Python language host, built from Go modules.

The CLI is pkg/v3's; the language host became a module of its own with sdk 3.77, and the last one inside the
SDK's module is 3.76's, which works with newer CLIs (it does not see `virtualenv` in Pulumi.yaml: the virtual
environment must be first on PATH). `cli/` and `language/` hold the two go.mod files with their checksums.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from local.errors import LocalError
from local.pulumi_cli import go, version

HERE = Path(__file__).parent
SDK = "github.com/pulumi/pulumi/sdk/v3"
CLI_VERSION = "3.259.0"
LANGUAGE_VERSION = "3.76.0"
# Scripts that the CLI and the language host look for beside themselves, in the SDK's module.
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")

Say = Callable[[str], None]


def digest() -> str:
    """Changes with what is built, so that a newer checkout does not use an older one's build."""
    content = hashlib.sha256()
    for module in ("cli", "language"):
        content.update((HERE / module / "go.mod").read_bytes())
        content.update((HERE / module / "go.sum").read_bytes())
    return content.hexdigest()[:10]


def build(home: Path, say: Say) -> Path:
    """Build into `home` (about five minutes on two cores) and return it.

    Everything is built in a directory beside it, tried, and only then moved into place, so that an
    interrupted build is never taken for a good one.

    Raises:
        LocalError: there is no Go, or the build failed; the compiler's last lines are in the message.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    with go.lock(home.with_name("build.lock"), say):
        if version.of(home / "bin" / "pulumi") is not None:
            return home  # another process built it while this one waited
        partial = home.with_name(f"{home.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        env = go.environment(home.parent)
        command = go.command(env, say)
        _compile(command, env, partial, "cli", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", CLI_VERSION, say)
        host = f"{SDK}/python/cmd/pulumi-language-python"
        _compile(command, env, partial, "language", host, LANGUAGE_VERSION, say)
        _copy_scripts(command, env, partial)
        found = version.of(partial / "bin" / "pulumi")
        if found is None:
            raise LocalError(f"the Pulumi CLI just built does not run: remove {home.parent} and try again")
        shutil.rmtree(home, ignore_errors=True)
        partial.rename(home)
        go.clean(home.parent)
    say(f"built Pulumi {version.text(found)} into {home}")
    return home


def _compile(
    command: list[str],
    env: Mapping[str, str],
    home: Path,
    module: str,
    package: str,
    stamp: str,
    say: Say,
) -> None:
    # A copy, so that nothing is ever written beside the committed go.mod.
    source = home / "source" / module
    shutil.copytree(HERE / module, source)
    flags = f"-s -w -X {SDK}/go/common/version.Version=v{stamp}"
    output = home / "bin" / package.rpartition("/")[2]
    go.compile_package(command, env, source, package, flags, output, say)


def _copy_scripts(command: list[str], env: Mapping[str, str], home: Path) -> None:
    argv = [*command, "list", "-m", "-f", "{{.Dir}}", SDK]
    listed = subprocess.run(
        argv, cwd=home / "source" / "cli", env=env, capture_output=True, text=True, check=False, timeout=300
    )
    if listed.returncode != 0:
        raise LocalError(f"`{' '.join(argv)}` failed: {listed.stderr.strip()}")
    for script in SCRIPTS:
        target = home / "bin" / Path(script).name
        shutil.copyfile(Path(listed.stdout.strip()) / script, target)
        target.chmod(0o755)
