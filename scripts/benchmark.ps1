# Measures the engine against its rivals: scripts/benchmark.ps1 [--only NAME]... [--quick] [--runs N] [--report]
#
# PostgreSQL: the server in ETL_TEST_CONNECTION or PGHOST; else a private one of what is installed; else of npm.
# Prints name=value lines; with --report it writes docs/benchmarks.md too. Rivals that are not installed are skipped.
$ErrorActionPreference = 'Stop'
Set-Location (Split-Path $PSScriptRoot)
. ./scripts/lib.ps1

dotnet build benchmarks -c Release --nologo -v quiet | Out-Host
if ($LASTEXITCODE -ne 0) {
    throw 'The build failed.'
}

dotnet exec benchmarks/bin/Release/net10.0/EtlTools.Benchmarks.dll @args
exit $LASTEXITCODE
