"""Builds the sdist and a wheel for each platform into dist/: python build_wheels.py

It needs Go, and hatchling (pip install hatchling). The same commit gives the same files.
"""

import os
import subprocess
import sys
from pathlib import Path

from hatch_build import TAGS

HERE = Path(__file__).resolve().parent


def build(kind: str, target: str = "") -> None:
    environment = {**os.environ, "CHANMQTTPROXY_TARGET": target}
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind]
    subprocess.run(command, cwd=HERE, env=environment, check=True)


def main() -> None:
    wanted = sys.argv[1:] or list(TAGS)
    build("sdist")
    for target in wanted:
        build("wheel", target)


if __name__ == "__main__":
    main()
