"""The local stack after a pulumi that was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.errors import LocalError
from local.paths import Paths
from local.platform import environment, settings
from local.pulumi_cli import stack
from local.secret_file import write_secret

CONFIG = settings.Settings(Path("Pulumi.local.yaml"), "demo-flights", 1111, 2222)


@pytest.mark.real
def test_metadata_that_a_kill_left_empty_is_nothing_to_lose(tmp_path: Path, pulumi_bin: Path) -> None:
    # A blank and an accent, since the backend's address is a URL.
    paths = Paths(tmp_path / "Mon école")
    paths.pulumi_state.mkdir(parents=True)
    (paths.root / "Pulumi.yaml").write_text("name: try\nruntime: python\n")
    write_secret(paths.passphrase, "correct horse")
    env = environment.process_environment(environment.variables(paths, CONFIG, "token", pulumi_bin))
    export = ("stack", "export", f"--stack={stack.NAME}")

    stack.pulumi(paths, env, "stack", "init", stack.NAME)
    made = {path.suffix for path in paths.pulumi_state.rglob("*") if path.is_file()}
    assert ".json" in made
    assert ".attrs" not in made

    # As an older version of the platform may have left it.
    state = stack.state_file(paths)
    state.with_name(f"{state.name}.attrs").touch()
    with pytest.raises(LocalError, match="failed to load checkpoint: EOF"):
        stack.pulumi(paths, env, *export)
    stack.recover(paths, env, print)
    assert '"version": 3' in stack.pulumi(paths, env, *export)
