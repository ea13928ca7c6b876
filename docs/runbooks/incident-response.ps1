#Requires -Version 7.6
#Requires -Modules EtlTools

<#
.SYNOPSIS
Incident response: shows what is wrong, puts right what can be, step by step and asking first, and shows what is left.

.DESCRIPTION
1. How things stand.
2. Data loss: audits the payloads of the window and recovers what is missing.
3. Stuck runs: closes runs that are dead.
4. Failed files: reprocesses them.
5. How things stand after it, and what is left. Tables are synced by Sync-Table, where the source is known: what to run is shown.

With -UserId it is about a user's complaint: steps 1, 2 and 5 for this user alone.

Each step that changes something asks first; -WhatIf previews all of them, with the exact rows, and changes nothing;
-Confirm:$false asks nothing, as a scheduled task needs it. Running it again changes nothing that is right already. Make sure
first that there is a backup of the database.

Exit code 0: nothing critical is left; with -WhatIf: there is nothing to do. 1: something critical is left, or a step failed;
with -WhatIf: there is something to do. 2: it could not be done, or nobody could be asked.

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

.PARAMETER PassThru
Returns one object: the health before and after, what was found, and what was done.

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
    [guid[]] $UserId = @(),
    [switch] $PassThru
)
$ErrorActionPreference = 'Stop'
$database = @{}
if ($Connection) { $database.Connection = $Connection }
$files = $database.Clone()
if ($Pipeline) { $files.Pipeline = $Pipeline }
$about = $database + @{ Window = $Window }
if ($UserId) { $about.UserId = $UserId }

# What a step is asked about once is not asked again by each command in it. A preview stays a preview, whose figures are shown below.
$quietly = @{ Confirm = $false; WhatIf = [bool] $WhatIfPreference }
$failures = [System.Collections.Generic.List[string]]::new()

function Get-Count([long] $number, [string] $noun) { "$number $noun$(if ($number -ne 1) { 's' })" }
function Show-Line([string] $text) { $text | Out-Host }
function Show-Table($rows) { if ($rows) { "$(($rows | Format-Table | Out-String -Width 120).TrimEnd())`n" | Out-Host } }

function Start-Step([string] $what) {
    if ($WhatIfPreference) { return $true }
    try {
        $PSCmdlet.ShouldProcess($what, "${what}?", 'Incident response')
    }
    catch [System.Management.Automation.PSInvalidOperationException] {
        throw "${what}? Nobody can be asked here. Pass -Confirm:`$false to do every step without asking, or -WhatIf to preview them."
    }
}

# One that fails does not keep the others from being done.
function Save-Failure($errors) {
    foreach ($one in $errors) { $failures.Add("$one"); Show-Line "  failed: $one" }
}

$before = $after = $null
$lost = $recovered = $stuck = $stopped = $failed = $reprocessed = @()
try {
    Show-Line '1. HOW THINGS STAND'
    $before = Get-ProcessingHealth @about
    $before | Out-Host

    Show-Line '2. LOST DATA'
    if (($before.Family | Where-Object Family -EQ Ingestion).IsIncluded) {
        $lost = @(Find-LostData @about)
    }
    $recoverable = @($lost | Where-Object IsRecoverable)
    if (-not $lost) { Show-Line '  none' }
    Show-Table ($lost | Group-Object Cause, IsRecoverable | ForEach-Object {
            [pscustomobject]@{
                Cause       = "$($_.Group[0].Cause)"
                Payloads    = $_.Count
                Expected    = [long] ($_.Group | Measure-Object Expected -Sum).Sum
                Missing     = [long] ($_.Group | Measure-Object Missing -Sum).Sum
                Rejected    = [long] ($_.Group | Measure-Object Rejected -Sum).Sum
                Recoverable = $_.Group[0].IsRecoverable
            }
        })
    if ($recoverable -and (Start-Step "Recover the lost data of $(Get-Count $recoverable.Count payload)")) {
        $report = $ReportPath ? @{ ReportPath = $ReportPath } : @{}
        $recovered = @($recoverable | Invoke-DataRecovery @database @quietly @report -Reason $Reason -ErrorAction SilentlyContinue -ErrorVariable failure)
        Save-Failure $failure
        Show-Line $($WhatIfPreference ? '  A recovery would do this:' : '  The recovery did this:')
        Show-Table ($recovered.Record.Table | Group-Object Table | ForEach-Object {
                [pscustomobject]@{
                    Table     = $_.Name
                    Expected  = [long] ($_.Group | Measure-Object Expected -Sum).Sum
                    Present   = [long] ($_.Group | Measure-Object PresentBefore -Sum).Sum
                    Recovered = [long] ($_.Group | Measure-Object Recovered -Sum).Sum
                    Completed = [long] ($_.Group | Measure-Object Completed -Sum).Sum
                    Refused   = [long] ($_.Group | Measure-Object Refused -Sum).Sum
                }
            })
        Show-Table ($recovered.Record | Group-Object Outcome -NoElement | Select-Object @{ Name = 'Outcome'; Expression = 'Name' }, @{ Name = 'Payloads'; Expression = 'Count' })
    }

    if (-not $UserId) {
        Show-Line "`n3. STUCK RUNS"
        $stuck = @(Get-LoadRun @database -Problem Stuck)
        if (-not $stuck) { Show-Line '  none' }
        Show-Table ($stuck | Select-Object LoadRunId, Pipeline, @{ Name = 'Started'; Expression = { '{0:yyyy-MM-dd HH:mm}' -f $_.StartedAt } }, TriggeredBy)
        if ($stuck -and (Start-Step "Close $(Get-Count $stuck.Count 'stuck run')")) {
            $stopped = @($stuck | Stop-LoadRun @database @quietly -Reason $Reason -ErrorAction SilentlyContinue -ErrorVariable failure)
            Save-Failure $failure
            Show-Line $($WhatIfPreference ? "  $($stuck.Count) would be closed." : "  $($stopped.Count) closed.")
        }

        Show-Line "`n4. FAILED FILES"
        try { $failed = @(Find-FailedFile @files) }
        catch {
            if ($_.FullyQualifiedErrorId -notlike 'PipelineMissing,*') { throw }
            Write-Warning 'Failed files are left alone: pass -Pipeline to have them reprocessed.'
        }
        if (-not $failed) { Show-Line '  none' }
        Show-Table ($failed | Select-Object FileName, PracticeId, Attempts, ErrorCode, @{ Name = 'LastAttempt'; Expression = { '{0:yyyy-MM-dd HH:mm}' -f $_.LastAttemptAt } })
        if ($failed -and (Start-Step "Reprocess $(Get-Count $failed.Count 'failed file')")) {
            $reprocessed = @($failed | Invoke-Reprocess @files @quietly -Reason $Reason -PassThru -ErrorAction SilentlyContinue -ErrorVariable failure)
            Save-Failure $failure
            Show-Line $($WhatIfPreference ? '  A reprocess would do this:' : '  The reprocess did this:')
            Show-Table ($WhatIfPreference ? $reprocessed.File : $reprocessed)
        }
    }

    Show-Line "`n5. WHAT IS LEFT"
    $after = $WhatIfPreference ? $before : (Get-ProcessingHealth @about)
    Show-Line "  Status: $($before.Status) before, $($after.Status) after$($WhatIfPreference ? ' (a preview: nothing was changed)' : '')"
    foreach ($alert in $after.Alert) { Show-Line "  $("$($alert.Severity)".ToUpperInvariant()): $($alert.Message)" }
    $tables = @($after.Impact | Where-Object TableName)
    foreach ($table in $tables | Select-Object -First 20) { Show-Line "  $($table.TableName): $($table.RecommendedAction)`n      $($table.Command)" }
    if ($tables.Count -gt 20) { Show-Line "  and $($tables.Count - 20) more tables" }
}
catch {
    $Host.UI.WriteErrorLine("The incident response could not be done: $_")
    exit 2
}

if ($PassThru) {
    [pscustomobject]@{
        Reason     = $Reason
        Before     = $before
        LostData   = $lost
        Recovery   = $recovered
        StoppedRun = $stopped
        Reprocess  = $reprocessed
        After      = $after
        Left       = @($after.Alert)
        Failure    = @($failures)
    }
}
$isLeft = $WhatIfPreference ? ($recoverable.Count + $stuck.Count + $failed.Count) : ($failures.Count + [int]($after.Status -eq 'Critical'))
exit [int]($isLeft -gt 0)
