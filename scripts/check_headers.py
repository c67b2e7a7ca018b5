"""
Checks that native/ compiles against other versions of LibTorch: only the syntax, only their headers, without building.

    python3 scripts/check_headers.py            the oldest and the newest version that cmake/FindLibTorch.cmake takes
    python3 scripts/check_headers.py 2.12.1     these

It takes the commands of the addon's build (build/*/compile_commands.json: run `npm ci` first) and puts the headers of
pip's wheel of each version in the place of the build's own. A wheel is fetched once, without what it depends on.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("SAM_NATIVE_CACHE", Path.home() / ".cache" / "sam-native")) / "headers"


def accepted():
    """Oldest and newest minor version that the build takes, as pip's specifiers."""
    text = (ROOT / "cmake" / "FindLibTorch.cmake").read_text()
    oldest = re.search(r"set\(_minimum ([\d.]+)\)", text)[1]
    major, minor = re.search(r"set\(_below (\d+)\.(\d+)\)", text).groups()
    return [f"{oldest}.*", f"{major}.{int(minor) - 1}.*"]


def headers(version):
    """Folder with include/ of the wheel of a version."""
    folder = CACHE / version.replace("*", "x")
    if not (folder / "torch" / "include").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*pip, "--dest", scratch, f"torch=={version}"], check=True)
            with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
                include = [name for name in wheel.namelist() if name.startswith("torch/include/")]
                wheel.extractall(Path(scratch) / "out", include)
            (Path(scratch) / "out").rename(folder)
    return folder / "torch"


def commands():
    """Command of each unit of the newest build, as (folder, file, words)."""
    found = sorted(ROOT.glob("build/*/compile_commands.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        sys.exit("there is no build: run 'npm ci' first")
    for unit in json.loads(found[-1].read_text()):
        if not re.search(r"cmake_pch\.\w+$", unit["file"]):
            yield unit["directory"], unit["file"], unit["command"]


def syntax(unit, torch):
    """What the compiler says of one unit with the headers below `torch`, or None."""
    folder, file, command = unit
    # The precompiled header is of the build's own version; each unit includes what it needs.
    command = re.sub(r"-Winvalid-pch|-include \S*cmake_pch\.\w+|-o \S+|-M[DTF]( \S+\.[od])?", " ", command)
    own = re.search(r"-isystem (\S+)/include/torch/csrc/api/include", command)[1]
    command = command.replace(f"{own}/include", f"{torch}/include")
    done = subprocess.run(f"{command} -fsyntax-only", shell=True, cwd=folder, capture_output=True, text=True)
    return None if done.returncode == 0 else f"{file}:\n{done.stderr}"


def main():
    units = list(commands())
    failed = False
    for version in sys.argv[1:] or accepted():
        torch = headers(version)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            errors = [error for error in pool.map(lambda unit: syntax(unit, torch), units) if error]
        print(f"LibTorch {version}: {len(units) - len(errors)} of {len(units)} units compile", flush=True)
        for error in errors:
            print("\n".join(error.splitlines()[:12]), file=sys.stderr)
        failed = failed or bool(errors)
    sys.exit(failed)


if __name__ == "__main__":
    main()
