#Requires -Version 7.6
#Requires -Modules EtlTools

<#
.SYNOPSIS
Daily monitoring: reads the health of the last day, keeps it as a page and as JSON, and ends with an exit code for the scheduler.

.DESCRIPTION
1. Reads the processing health of the window.
2. Shows alerts and recommendations.
3. Shows the users, practices and tables to look after.
4. Shows the tables that something is wrong with, by which limit.
5. Shows the trend of failures and loss.

It changes nothing in the database. Exit code 0: healthy. 1: critical (or a warning, with -WarningAsFailure; or nothing came in,
unless -AllowNoData). 2: the health could not be read, or a file not be written.

.PARAMETER Connection
A connection string, a profile of etl.yaml, or a connection. Without it: the session's, or the one the PG variables name.

.PARAMETER Window
The time to look at: 24h, 7d, or a number of hours.

.PARAMETER OutputFolder
Where health-yyyyMMdd.html and .json go; made if it is not there. Without it, no file is written.

.PARAMETER PrometheusPath
The file of the node exporter's textfile collector, e.g. /var/lib/prometheus/node-exporter/etltools.prom.

.PARAMETER WarningAsFailure
A warning gives exit code 1 too.

.PARAMETER AllowNoData
A window in which nothing came in is no failure.

.EXAMPLE
pwsh -NoProfile -File docs/runbooks/daily-monitoring.ps1 -Connection production -OutputFolder /srv/etl/health

.EXAMPLE
./daily-monitoring.ps1 -Window 6h -WhatIf
Shows everything, and says which files would be written.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    $Connection,
    [string] $Window = '24h',
    [string] $OutputFolder,
    [string] $PrometheusPath,
    [switch] $WarningAsFailure,
    [switch] $AllowNoData
)
$ErrorActionPreference = 'Stop'
$database = @{}
if ($Connection) { $database.Connection = $Connection }

# A heading, and what belongs under it; a line where there is nothing.
function Show-Section([string] $title, $content, [string] $nothing) {
    "`n$title" | Out-Host
    if ($content) { ($content | Format-Table | Out-String -Width 120).Trim() | Out-Host } else { "  $nothing" | Out-Host }
}

try {
    '1. HEALTH' | Out-Host
    $health = Get-ProcessingHealth @database -Window $Window
    $health | Out-Host

    $urgent = @($health.Impact | Where-Object Urgency -GE Medium)
    Show-Section "2. WHO TO LOOK AFTER (the first 20 of $($urgent.Count))" ($urgent | Select-Object -First 20) 'nobody'
    Show-Section "3. TABLES (of $(@($health.Table).Count) that are configured)" ($health.Table.Finding | Select-Object -First 40) 'nothing is wrong'
    Show-Section '4. TREND' ($health.Trend | Where-Object Total) 'nothing came in'

    $files = @()
    if ($OutputFolder) {
        if (-not (Test-Path -LiteralPath $OutputFolder)) { New-Item -ItemType Directory $OutputFolder | Out-Null }
        $name = Join-Path $OutputFolder "health-$($health.To.ToString('yyyyMMdd'))"
        $files += $health | Export-ProcessingHealth -LiteralPath "$name.html", "$name.json" -PassThru
    }
    if ($PrometheusPath) {
        $files += $health | Export-ProcessingHealth -LiteralPath $PrometheusPath -Format Prometheus -PassThru
    }
    Show-Section '5. FILES' ($files | Select-Object Format, SizeBytes, Path) 'none written'
}
catch {
    $Host.UI.WriteErrorLine("Daily monitoring could not be done: $_")
    exit 2
}

$code = [int](-not ($health | Test-ProcessingHealth -WarningAsFailure:$WarningAsFailure -AllowNoData:$AllowNoData))
"`n$($health.Status): exit code $code" | Out-Host
exit $code
