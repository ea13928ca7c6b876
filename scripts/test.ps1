# Runs all tests on a PostgreSQL and an S3 server of their own: scripts/test.ps1 [--filter TEXT] [--unit-only | --pester-only]
#
# PostgreSQL: the server in ETL_TEST_CONNECTION or PGHOST; else a private one of what is installed; else of npm.
# The last line is "N passed, N failed, N skipped", and the exit code is 0 when nothing failed.
$ErrorActionPreference = 'Stop'
Set-Location (Split-Path $PSScriptRoot)
. ./scripts/lib.ps1

try {
    Invoke-EtlBuild
}
catch {
    Write-Host $_.Exception.Message
    Write-Host '0 passed, 1 failed, 0 skipped'
    exit 1
}

Invoke-EtlEnvironment test @args
exit $LASTEXITCODE
