#!/usr/bin/env bash
# A visit to a machine with a GPU, in one command: builds the core with the torch of $PYTHON [python3], checks and times it on the GPU
# beside transformers, and leaves visit.json and visit.md in $OUT [build/visit-out]. docs/gpu-visit.md says what is in them.
#
#   scripts/gpu-visit.sh [--budget SECONDS] [--only STAGE,STAGE …]          (--help)
#   SAM_TEST_DEVICE=cpu scripts/gpu-visit.sh                                a rehearsal, without a GPU
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" scripts/gpu_visit.py "$@"
