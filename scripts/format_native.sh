#!/usr/bin/env bash
# Formats the C++ sources with clang-format of one version for all; with --check only says what it would change.
set -euo pipefail
cd "$(dirname "$0")/.."

# pip's --target: a folder of its own, which also works where the system's Python is managed by the system.
tools="${TMPDIR:-/tmp}/sam-native-clang-format-20.1.8-$(id -u)"
[ -x "$tools/bin/clang-format" ] ||
  python3 -m pip install --quiet --disable-pip-version-check --target "$tools" clang-format==20.1.8

mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run --Werror)
git ls-files 'native/*.cpp' 'native/*.h' | PYTHONPATH="$tools" xargs "$tools/bin/clang-format" "${mode[@]}"
