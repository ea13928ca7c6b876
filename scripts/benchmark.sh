#!/usr/bin/env bash
# Measures the engine against its rivals: scripts/benchmark.sh [--only NAME]... [--quick] [--runs N] [--report]
#
# PostgreSQL: the server in ETL_TEST_CONNECTION or PGHOST; else a private one of what is installed; else of npm or apt-get.
# Prints name=value lines; with --report it writes docs/benchmarks.md too.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

require_dotnet
dotnet build benchmarks -c Release --nologo -v quiet

# The loader as it is published for this platform, with its runtime and compiled beforehand; as plain code where that compiler
# is not to be had.
rm -rf artifacts/etl
rid=$(dotnet --info | sed -n 's/^ *RID: *//p')
dotnet publish src/EtlHost -c Release -r "$rid" --self-contained -o artifacts/etl --nologo -v quiet ||
    dotnet publish src/EtlHost -c Release -o artifacts/etl --nologo -v quiet
exec dotnet exec benchmarks/bin/Release/net10.0/EtlTools.Benchmarks.dll "$@"
