#Requires -Version 7.6
<#
.SYNOPSIS
Runs the Pester tests and writes how many passed, failed and were skipped to a JSON file. scripts/test.sh calls it.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $ResultPath,

    # Part of a test's full name.
    [string] $Filter
)

# The tests see the preferences of this script: they are to be those of an admin's session.
Import-Module Pester -MinimumVersion 5.0 -ErrorAction Stop
Import-Module (Join-Path $PSScriptRoot 'TestEnvironment.psm1') -ErrorAction Stop

$configuration = New-PesterConfiguration
$configuration.Run.Path = Split-Path $PSScriptRoot
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Normal'
$configuration.Output.CIFormat = 'None'
$configuration.Output.RenderMode = [Console]::IsOutputRedirected ? 'Plaintext' : 'Auto'
if ($Filter) {
    $configuration.Filter.FullName = "*$Filter*"
}

$result = Invoke-Pester -Configuration $configuration
if (-not $result) {
    exit 1
}

# A file or a block that fails as a whole has no failed test, but it is a failure.
[ordered]@{
    Passed = $result.PassedCount
    Failed = $result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount
    Skipped = $result.SkippedCount + $result.InconclusiveCount
    FailedTests = @(
        $result.Failed | ForEach-Object { "$($_.ExpandedPath): $(("$($_.ErrorRecord)" -split '\r?\n')[0])" }
        $result.FailedBlocks | ForEach-Object { "$($_.ExpandedPath): a block that failed" }
        $result.FailedContainers | ForEach-Object { "$($_.Item): a file that failed" }
    )
} | ConvertTo-Json | Set-Content -LiteralPath $ResultPath

exit ($result.Result -eq 'Passed' ? 0 : 1)
