# Builds the module into module/: then Import-Module ./module/EtlTools.psd1.
param([ValidateSet('Debug', 'Release')] [string] $Configuration = 'Release')
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
Set-Location (Join-Path $PSScriptRoot '..')
dotnet publish src/EtlCmdlets -c $Configuration -v quiet --nologo
pwsh -NoProfile -File scripts/build-help.ps1
