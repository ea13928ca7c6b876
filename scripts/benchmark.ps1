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

# The loader as it is published for this platform, with its runtime and compiled beforehand; as plain code where that compiler
# is not to be had.
if (Test-Path artifacts/etl) {
    Remove-Item artifacts/etl -Recurse -Force
}

$rid = (dotnet --info | Select-String '^ *RID: *(\S+)').Matches[0].Groups[1].Value
dotnet publish src/EtlHost -c Release -r $rid --self-contained -o artifacts/etl --nologo -v quiet | Out-Host
if ($LASTEXITCODE -ne 0) {
    dotnet publish src/EtlHost -c Release -o artifacts/etl --nologo -v quiet | Out-Host
}

if ($LASTEXITCODE -ne 0) {
    throw 'The loader could not be published.'
}

dotnet exec benchmarks/bin/Release/net10.0/EtlTools.Benchmarks.dll @args
exit $LASTEXITCODE
