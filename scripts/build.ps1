# Builds everything in Release, the module's own files into module/bin.
$ErrorActionPreference = 'Stop'
Set-Location (Split-Path $PSScriptRoot)
. ./scripts/lib.ps1
Invoke-EtlBuild
