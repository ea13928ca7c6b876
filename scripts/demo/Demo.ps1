# A bad week of one invented practice: its extracts are loaded, what goes wrong is found, previewed, put right, verified and
# taken back. Every command is shown as an admin types it, with its real output. Started by scripts/demo.sh and demo.ps1, in
# a folder of its own, with PG* variables that name a database of its own.
#requires -Version 7.6
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$root = Split-Path (Split-Path $PSScriptRoot)
Import-Module (Join-Path $PSScriptRoot 'Story.psm1')
Import-Module (Join-Path $root 'module' 'EtlTools.psd1')

$prefix = 'C:/Jobs/indici_export/working/'

function etl {
    dotnet exec $env:ETL_DEMO_HOST @args
}

# Where the vendor puts its files: a bucket under a prefix that is a Windows path, as vendors have it, or else a folder.
function Write-Pipeline {
    $source = $env:ETL_DEMO_BUCKET ? @(
        'kind: s3'
        "bucket: $env:ETL_DEMO_BUCKET"
        "prefix: `"$prefix`""
        "endpoint: $env:ETL_TEST_S3"
        'region: us-east-1'
    ) : @(
        'kind: folder'
        'path: ./extracts'
    )
    $lines = @('extends: indici', 'source:') + ($source | ForEach-Object { "  $_" })
    Set-Content pipeline.yaml $lines
    $null = New-Item extracts -ItemType Directory -Force
}

# The vendor sends a batch of files. Returns what it holds, faults included.
function Send-Extract([string] $Batch) {
    $folder = $env:ETL_DEMO_BUCKET ? "outgoing-$Batch" : 'extracts'
    $lines = etl demo files --batch $Batch --folder $folder
    if ($LASTEXITCODE -ne 0) {
        throw 'The sample files could not be written.'
    }

    if ($env:ETL_DEMO_BUCKET) {
        dotnet exec $env:ETL_DEMO_TOOL put-folder $env:ETL_DEMO_BUCKET $prefix $folder
        if ($LASTEXITCODE -ne 0) {
            throw 'The sample files could not be put into the bucket.'
        }
    }

    foreach ($line in $lines -like 'type=*') {
        $fields = @{}
        foreach ($match in [regex]::Matches($line, '(\w+)=("[^"]*"|\S+)')) {
            $fields[$match.Groups[1].Value] = $match.Groups[2].Value.Trim('"')
        }

        [pscustomobject] @{
            ExtractType = $fields.type
            Rows        = [int] $fields.rows
            BadRows     = [int] $fields.bad_rows
            InvalidRows = [int] $fields.invalid_rows
            Fault       = $fields.fault
        }
    }
}

function Get-Sum($Objects, [string] $Property) {
    [long] ($Objects | Measure-Object $Property -Sum).Sum
}

Write-Pipeline
$env:ETL_PIPELINE = Join-Path $PWD 'pipeline.yaml'
$place = $env:ETL_DEMO_BUCKET ? "the bucket $env:ETL_DEMO_BUCKET" : 'a folder (there is no S3 server here)'

Write-Chapter 'Connect, and make the database ready'
Write-Scene 'PGHOST, PGPORT, PGUSER and PGDATABASE name an empty database; pipeline.yaml says where the files are.'
Invoke-Line { Get-Content ./pipeline.yaml }
Invoke-Line { Connect-EtlDatabase -Pipeline ./pipeline.yaml -PassThru }
Invoke-Line { Initialize-EtlDatabase -WhatIf | Group-Object Kind -NoElement }
Invoke-Line { Initialize-EtlDatabase | Group-Object Kind -NoElement }
Add-Check 'a second Initialize-EtlDatabase has nothing to do' (-not (Initialize-EtlDatabase 6> $null))

Write-Chapter 'The full extract arrives, and the nightly load is killed half-way'
$full = Send-Extract full
Write-Scene "The vendor has put $($full.Count) files with $(Get-Sum $full Rows) rows into $place."
Invoke-Line { Find-NewFile }
Invoke-Line { Get-LoadPlan }
Write-Scene 'The scheduler starts the load at night; in the middle of its work the process dies, as by kill -9.'
Invoke-Line {
    $env:ETL_CRASH_AT = 'load.before-commit:6'
    etl load
}
Add-Check 'the nightly load was killed' ($LASTEXITCODE -ne 0)
Write-Scene 'Killed. The next morning:'
Remove-Item Env:ETL_CRASH_AT

# The server notices within a moment that its client is gone.
foreach ($i in 1..100) {
    if ((Get-LoadRun -First 1).IsAlive -eq $false) {
        break
    }

    Start-Sleep -Milliseconds 100
}

Invoke-Line { Get-LoadRun -Problem Failed, Stuck, LowQuality | Tee-Object -Variable stuck }
Add-Check 'the dead run is found as stuck, by proof of life' (@($stuck).Count -eq 1 -and $stuck.Problem -contains 'Stuck')
Invoke-Line { Find-FailedFile | Tee-Object -Variable leftBehind }
Add-Check 'its unfinished files are found' (@($leftBehind | Where-Object State -EQ LeftBehind).Count -gt 0)
Invoke-Line { Start-LoadRun -Reason 'after the crash of last night' | Tee-Object -Variable second }
Add-Check 'the next run takes up what was left' ($second.Status -eq 'Completed')
Invoke-Line { Test-StagingIntegrity | Where-Object Rows | Tee-Object -Variable tables }
Add-Check 'every row of the full extract is in staging, once' ((Get-Sum $tables Rows) -eq (Get-Sum $full Rows))
Add-Check 'staging is what raw says after the crash' (-not (Test-StagingIntegrity | Where-Object -Not IsIntact))

Write-Chapter 'A week later: the changes arrive, with faults'
$changes = Send-Extract changes
$taken = $changes | Where-Object Fault -NotIn SavedBySpreadsheet, UnreadableName
Write-Scene "$($changes.Count) files with $(Get-Sum $changes Rows) rows. What is wrong with them, the admin does not know yet."
Invoke-Line { Start-LoadRun -ErrorAction Continue | Tee-Object -Variable bad }
Add-Check 'one file failed, the others are in' ($bad.Status -eq 'Failed' -and $bad.FilesFailed -eq 1 -and $bad.FilesProcessed -eq @($taken).Count)
Invoke-Line { Get-LoadRun -Problem Failed, Stuck, LowQuality | Tee-Object -Variable problems }
Add-Check 'the run is found as failed and of low quality' (
    @($problems).Count -eq 1 -and $problems.Problem -contains 'Failed' -and $problems.Problem -contains 'LowQuality')
Invoke-Line { Find-FailedFile | Tee-Object -Variable failed }
Add-Check 'the file that somebody saved from a spreadsheet is the one that failed' ($failed.ExtractType -eq 'Appointments')
Invoke-Line { Get-RejectedRow -First 8 }
Invoke-Line {
    Get-RejectedRow | Tee-Object -Variable rejected |
        Group-Object ExtractType, Stage, { $_.Reason -join ', ' } -NoElement | Format-Table -AutoSize
}
$known = $rejected | Where-Object ExtractType -NE Appointments
Add-Check 'every planted bad row is in quarantine with its reason' (
    @($known).Count -eq (Get-Sum $taken BadRows) + (Get-Sum $taken InvalidRows) -and -not ($known | Where-Object { $_.Reason.Count -eq 0 }))

Write-Chapter 'The vendor sends the faulty files again; first a preview, then the real thing'
$corrected = Send-Extract corrected
Write-Scene "$($corrected.Count) files under the same names, corrected. The patients' file has to be corrected by the practice."
Invoke-Line { $problems | Invoke-Reprocess -Reason 'corrected by the vendor' -WhatIf | Tee-Object -Variable plan }
Invoke-Line { $plan.Staging }
Add-Check 'a preview changes nothing' (@(Find-FailedFile).Count -eq 1)
Invoke-Line { $problems | Invoke-Reprocess -Reason 'corrected by the vendor' -PassThru | Tee-Object -Variable receipts }
Add-Check 'every file is in now' (-not ($receipts | Where-Object Status -NE Completed))
foreach ($what in 'Inserted', 'Changed', 'Withdrawn', 'Restored', 'Unchanged', 'Rejected') {
    Add-Check "the preview told the rows that were to be $($what.ToLowerInvariant())" (
        (Get-Sum $plan.Staging $what) -eq (Get-Sum $receipts.Staging $what))
}

Add-Check 'no file is left failed' (-not (Find-FailedFile))
Invoke-Line { Get-RejectedRow }
Invoke-Line { Test-StagingIntegrity | Where-Object Rows }
Add-Check 'staging is what raw says after the reprocess' (-not (Test-StagingIntegrity | Where-Object -Not IsIntact))

Write-Chapter 'One of them was not meant: it is taken back, and nothing else'
Invoke-Line {
    $receipts | Where-Object ExtractType -EQ Immunisation |
        Undo-Reprocess -Reason 'the practice wants to look at the dates first' -PassThru -Confirm:$false | Tee-Object -Variable undone
}
$wrong = $receipts | Where-Object ExtractType -EQ Immunisation
Add-Check 'the undo brings back what the reprocess replaced, and takes away what it added' (
    $undone.Staging.Withdrawn -eq $wrong.Staging.Inserted -and $undone.Staging.Restored + $undone.Staging.Changed -eq $wrong.Staging.Changed)
Invoke-Line { Get-LoadRun | Format-Table Kind, Status, FilesProcessed, FilesFailed, RowsIngested, RowsRejected, RequestedBy, Reason -AutoSize }
Invoke-Line { Get-ReprocessMetric }
Invoke-Line { Test-StagingIntegrity | Where-Object Rows }
Add-Check 'staging is what raw says at the end' (-not (Test-StagingIntegrity | Where-Object -Not IsIntact))

Write-Chapter 'What was claimed, checked'
$holds = Complete-Story
Disconnect-EtlDatabase
exit ($holds ? 0 : 1)
