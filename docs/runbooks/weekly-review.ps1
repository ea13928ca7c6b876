#Requires -Version 7.6
#Requires -Modules EtlTools

<#
.SYNOPSIS
Weekly review: recoveries and reprocessing, error patterns against the weeks before, limits that may need a change, and growth.

.DESCRIPTION
1. How recoveries, week by week, and reprocessing went.
2. Error patterns of the week.
3. Limits: where every one of the weeks before stayed far below a limit, or most of them were above it, a new one is suggested. Nothing
   is changed: write it into the section health of etl.yaml.
4. Capacity: growth a week, and what the next weeks bring if it goes on.

It changes nothing in the database. Exit code 0: the review is done. 2: it could not be done.

.PARAMETER Connection
A connection string, a profile of etl.yaml, or a connection. Without it: the session's, or the one the PG variables name.

.PARAMETER Week
How many weeks before this one to compare with.

.PARAMETER Path
The page to write, an .html file. Without it, none is written.

.PARAMETER PassThru
Returns one object with all of it.

.EXAMPLE
./weekly-review.ps1 -Connection production -Path /srv/etl/health/week.html

.EXAMPLE
(./weekly-review.ps1 -PassThru).Capacity | Format-Table
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    $Connection,
    [ValidateRange(1, 52)] [int] $Week = 4,
    [string] $Path,
    [switch] $PassThru
)
$ErrorActionPreference = 'Stop'
$database = @{}
if ($Connection) { $database.Connection = $Connection }

# A heading, and what belongs under it; a line where there is nothing.
function Show-Section([string] $title, $content, [string] $nothing) {
    "`n$title" | Out-Host
    if ($content) { ($content | Out-String -Width 120).Trim() | Out-Host } else { "  $nothing" | Out-Host }
}

try {
    $health = Get-ProcessingHealth @database -Window 7d -PreviousWindow $Week
    $reprocess = Get-ReprocessMetric @database -Since 7d
}
catch {
    $Host.UI.WriteErrorLine("The weekly review could not be done: $_")
    exit 2
}

$total = @{}
$health.Total | ForEach-Object { $total[$_.Name] = $_.Value }

# A limit is in its place a little above what is usual: twice the worst of the weeks before that were not alerts themselves.
# Tables have limits of their own, in their configuration.
$limits = foreach ($family in $health.Overall.Family | Where-Object { $_ -ne 'Table' }) {
    $weeks = @($health.Trend | Where-Object { $_.Family -eq $family -and -not $_.IsCurrent -and $_.Total })
    foreach ($measure in @(
            @{ Name = 'failure_warning'; Limit = $health.Threshold.FailureWarning; Values = @($weeks.FailureRate) }
            @{ Name = 'data_loss_warning'; Limit = $health.Threshold.DataLossWarning; Values = @($weeks.DataLossRate) })) {
        $values = @($measure.Values | Where-Object { $null -ne $_ } | Sort-Object)
        if ($values.Count -lt 3) { continue }
        $worst = $values[-1]
        $above = @($values | Where-Object { $_ -gt $measure.Limit }).Count
        $suggested = [math]::Max(0.01, [math]::Round(2 * $worst, 2))
        if ($above * 2 -gt $values.Count) {
            [pscustomobject]@{ Family = "$family"; Limit = $measure.Name; Now = $measure.Limit; Suggested = $null; Why = "$above of $($values.Count) weeks were above it: find the cause before the limit is raised" }
        }
        elseif ($suggested -lt $measure.Limit / 2) {
            [pscustomobject]@{ Family = "$family"; Limit = $measure.Name; Now = $measure.Limit; Suggested = $suggested; Why = "the worst of $($values.Count) weeks was $('{0:N1}%' -f (100 * $worst)): a change for the worse would show sooner" }
        }
    }
}

$capacity = foreach ($family in $health.Overall.Family) {
    $all = @($health.Trend | Where-Object Family -EQ $family)
    $weeks = @($all | Where-Object Total)
    if (-not $weeks) { continue }
    # What begins within these weeks began on a day of its first one, which may then be a part of a week only.
    if ($weeks.Count -gt 1 -and -not $all[0].Total) { $weeks = @($weeks | Select-Object -Skip 1) }
    $growth = $weeks.Count -gt 1 ? [math]::Pow($weeks[-1].Total / $weeks[0].Total, 1 / ($weeks.Count - 1)) - 1 : $null
    [pscustomobject]@{
        Family       = "$family"
        Items        = $weeks[-1].Total
        Records      = $weeks[-1].Expected
        WeeklyGrowth = $growth
        InEightWeeks = $null -ne $growth ? [long]($weeks[-1].Total * [math]::Pow(1 + $growth, 8)) : $null
    }
}

$recovery = [pscustomobject]@{
    PayloadsRecovered = $total['PayloadsRecovered']
    RecoveriesFailed  = $total['RecoveriesFailed']
    MetricsRecovered  = $total['MetricsRecovered']
    Week              = @($health.Trend | Where-Object { $_.Recovered + $_.RecoveriesFailed } | Select-Object From, Recovered, RecoveriesFailed, RecordsRecovered)
}

"WEEKLY REVIEW: $($health.Status)" | Out-Host
"  {0:yyyy-MM-dd HH:mm} to {1:yyyy-MM-dd HH:mm} ({2}), with {3} before it" -f $health.From, $health.To, $health.TimeZone, "$Week week$(if ($Week -ne 1) { 's' })" | Out-Host
"  $($health.Database)" | Out-Host
Show-Section '1. RECOVERIES (of all time)' ($null -ne $recovery.PayloadsRecovered ? ($recovery | Format-Table PayloadsRecovered, RecoveriesFailed, MetricsRecovered) : $null) 'there are no raw ingestions'
if ($recovery.Week) {
    Show-Section '   by the week they ended in' ($recovery.Week | Format-Table @{ Name = 'From'; Expression = { '{0:MM-dd HH:mm}' -f $_.From } }, Recovered, RecoveriesFailed, RecordsRecovered) ''
}
Show-Section '2. REPROCESSING (of the week)' ($reprocess.TotalReprocessingRuns ? $reprocess : $null) 'none'
Show-Section '3. ERROR PATTERNS' $health.ErrorPattern 'none'
Show-Section '4. WEEK BY WEEK' ($health.Trend | Where-Object Total) 'nothing came in'
Show-Section '5. LIMITS TO CHANGE (section health of etl.yaml)' ($limits | Format-Table Family, Limit, Now, Suggested, Why) 'none'
Show-Section '6. CAPACITY' ($capacity | Format-Table Family, Items, Records,
    @{ Name = 'GrowthAWeek'; Expression = { if ($null -ne $_.WeeklyGrowth) { '{0:N1}%' -f (100 * $_.WeeklyGrowth) } else { 'not known' } } }, InEightWeeks) 'nothing came in'

if ($Path) {
    try {
        $page = $health | Export-ProcessingHealth -LiteralPath $Path -Format Html -PassThru
    }
    catch {
        $Host.UI.WriteErrorLine("The page could not be written: $_")
        exit 2
    }
    Show-Section '7. PAGE' $page.Path 'not written'
}

if ($PassThru) {
    [pscustomobject]@{
        Health       = $health
        Recovery     = $recovery
        Reprocess    = $reprocess
        ErrorPattern = $health.ErrorPattern
        Limit        = @($limits)
        Capacity     = @($capacity)
    }
}
exit 0
