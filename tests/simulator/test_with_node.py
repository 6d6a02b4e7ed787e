"""The official Node library runs the main lifecycle against the simulator, over a socket, unchanged."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from .test_over_a_socket import running

PACKAGE = "stripe@23.1.0"
SCRIPT = Path(__file__).parent / "node" / "lifecycle.mjs"


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed")
def test_the_node_library_runs_the_lifecycle(tmp_path: Path) -> None:
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(tmp_path))
    installed = subprocess.run(
        ["npm", "install", *quiet, PACKAGE], capture_output=True, text=True, timeout=180, check=False
    )
    assert installed.returncode == 0, installed.stderr
    shutil.copy(SCRIPT, tmp_path)
    with running("--webhook-secret", "whsec_node") as (_, port):
        done = subprocess.run(
            ["node", SCRIPT.name, str(port), "whsec_node"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["done"]) == 10
