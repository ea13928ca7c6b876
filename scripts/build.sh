#!/usr/bin/env bash
# Builds everything in Release, the module's own files into module/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
build_all
