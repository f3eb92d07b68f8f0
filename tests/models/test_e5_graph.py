"""OpenVINO's import, which would otherwise report each start to its makers."""

import subprocess
import sys

PROGRAM = """
import os, socket, sys
def forbidden(*_): raise SystemExit("forked or connected")
os.fork = forbidden
socket.socket.connect = forbidden
from gakju.models.e5_graph import runtime
print(runtime().Core().available_devices)
assert sys.modules.get("openvino_telemetry") is None
"""


def test_openvino_reports_to_nobody(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "['CPU']"), done.stderr
    assert list(tmp_path.iterdir()) == []
