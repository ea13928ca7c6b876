#Requires -Version 7.6
#Requires -Modules EtlTools

<#
.SYNOPSIS
Incident response: shows what is wrong, puts right what can be, step by step and asking first, and shows what is left.

.DESCRIPTION
1. Data loss: audits the payloads of the window and recovers what is missing.
2. Failures: closes runs that are dead, and reprocesses the files that failed.
3. A user's complaint (-UserId): the same for this user alone, with how the user stands before and after.

Each step that changes something asks first; -WhatIf previews all of them and changes nothing; -Confirm:$false asks nothing.
Running it again changes nothing that is right already. Make sure first that there is a backup of the database.

Returns one object: the health before and after, what was found, and what was done.

.PARAMETER Reason
Why this is done; kept with every run. Name the ticket.

.PARAMETER Connection
A connection string, a profile of etl.yaml, or a connection. Without it: the session's, or the one the PG variables name.

.PARAMETER Pipeline
The pipeline of the files, where neither the connection nor ETL_PIPELINE names it. Without any, files are left alone.

.PARAMETER Window
The time to look at.

.PARAMETER ReportPath
Where the report of the data recovery goes: a folder or a file. Without it, the current folder.

.PARAMETER UserId
Only these users. Files are left alone then, for they have no users.

.EXAMPLE
./incident-response.ps1 -Connection production -Reason 'INC-1234' -WhatIf

.EXAMPLE
./incident-response.ps1 -Reason 'INC-1234' -UserId 550e8400-e29b-41d4-a716-446655440000 -Window 30d
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory)] [string] $Reason,
    $Connection,
    [string] $Pipeline,
    [string] $Window = '7d',
    [string] $ReportPath,
    [guid[]] $UserId = @()
)
$ErrorActionPreference = 'Stop'
$database = @{}
if ($Connection) { $database.Connection = $Connection }
$files = $database.Clone()
if ($Pipeline) { $files.Pipeline = $Pipeline }
$about = $database + @{ Window = $Window }
if ($UserId) { $about.UserId = $UserId }

# What a step is asked about once is not asked again by each command in it. A preview stays a preview.
$quietly = @{ Confirm = $false; WhatIf = [bool] $WhatIfPreference }
function Start-Step([string] $what) {
    $WhatIfPreference -or $PSCmdlet.ShouldProcess($what, "$what?", 'Incident response')
}

$before = Get-ProcessingHealth @about
$before | Out-Host

$lost = @()
$recovered = @()
if (($before.Family | Where-Object Family -EQ Ingestion).IsIncluded) {
    $lost = @(Find-LostData @about)
    if ($lost -and (Start-Step "Recover $($lost.Count) payloads with lost data")) {
        $report = $ReportPath ? @{ ReportPath = $ReportPath } : @{}
        $recovered = @($lost | Invoke-DataRecovery @database @quietly @report -Reason $Reason)
    }
}

$stopped = @()
$reprocessed = @()
if (-not $UserId) {
    $stuck = @(Get-LoadRun @database -Problem Stuck)
    if ($stuck -and (Start-Step "Close $($stuck.Count) stuck runs")) {
        $stopped = @($stuck | Stop-LoadRun @database @quietly -Reason $Reason)
    }

    $failed = @()
    try { $failed = @(Find-FailedFile @files) }
    catch {
        if ($_.FullyQualifiedErrorId -notlike 'PipelineMissing,*') { throw }
        Write-Warning 'Failed files are left alone: pass -Pipeline to have them reprocessed.'
    }
    if ($failed -and (Start-Step "Reprocess $($failed.Count) failed files")) {
        $reprocessed = @($failed | Invoke-Reprocess @files @quietly -Reason $Reason -PassThru -ErrorAction Continue)
    }
}

$after = $WhatIfPreference ? $before : (Get-ProcessingHealth @about)
"Status: $($before.Status) before, $($after.Status) after" | Out-Host
[pscustomobject]@{
    Reason      = $Reason
    Before      = $before
    LostData    = $lost
    Recovery    = $recovered
    StoppedRun  = $stopped
    Reprocess   = $reprocessed
    After       = $after
    Left        = @($after.Alert)
}
