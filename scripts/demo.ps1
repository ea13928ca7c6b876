# Tells the story of the module in under two minutes, on servers of its own that are gone at the end:
# scripts/demo.ps1 [--without-powershell]
#
# PostgreSQL and PowerShell: what is installed; else they are got from npm and the dotnet tool, and kept for the next time
# outside this tree. The exit code is 0 when everything that the story claims was checked and holds.
$ErrorActionPreference = 'Stop'
Push-Location (Split-Path $PSScriptRoot)
try {
    . ./scripts/lib.ps1
    Write-Output 'Building the module first: one to three minutes the first time, with nothing to see. Then the story begins.'
    Invoke-EtlBuild scripts/demo/demo.slnf
    Invoke-EtlEnvironment demo @args
}
finally {
    Pop-Location
}

exit $LASTEXITCODE
