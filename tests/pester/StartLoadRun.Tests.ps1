BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Start-LoadRun' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
    }
    BeforeEach { Reset-Scene $scene }
    AfterAll { Remove-Scene $scene }

    It 'loads what is found, parents first, and returns the run' {
        Add-PatientFile $scene 2026-01-01
        Add-PracticeFile $scene 2026-01-01
        $run = Start-LoadRun
        $run.PSTypeNames | Should -Contain EtlTools.Core.Runs.LoadRun
        $run.Status | Should -Be Completed
        $run.RowsIngested | Should -Be 11
        ($run | Get-LoadFile).ExtractType | Should -Be 'practice', 'patient'
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 10
    }

    It 'does nothing the second time' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun | Out-Null
        Start-LoadRun | Should -BeNullOrEmpty
        @(Get-LoadRun) | Should -HaveCount 1
    }

    It 'warns where a file that takes the place of another takes keys away' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun -WarningVariable none | Out-Null
        $none | Should -BeNullOrEmpty
        Add-PatientFile $scene 2026-01-01 -Id (1..3)
        Start-LoadRun -WarningVariable warned -WarningAction SilentlyContinue | Out-Null
        "$warned" | Should -Match 'took the place of an earlier file of this name: 7 keys gone from stg\.patients, 0 back to an earlier version'
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 3

        # As it advises, and no more.
        $advice = [regex]::Match("$warned", 'Undo-Reprocess -LoadRunFileId \d+').Value
        $plan = & ([scriptblock]::Create("$advice -Reason 'not meant' -WhatIf"))
        $plan.Staging.Inserted | Should -Be 7
        & ([scriptblock]::Create("$advice -Reason 'not meant' -Confirm:`$false"))
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 10
        (Test-StagingIntegrity).IsConsistent | Should -Not -Contain $false
        Start-LoadRun -WarningAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It 'is taken back as a whole, or file by file' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun | Out-Null
        Add-PatientFile $scene 2026-01-02 -Id (11..13)
        Add-PatientFile $scene 2026-01-03 -Id (14..15)
        $run = Start-LoadRun
        $run | Get-LoadFile | Where-Object FileName -Match 260103 | Undo-Reprocess -Reason x -Confirm:$false -PassThru | Should -HaveCount 1
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 13
        $run | Undo-Reprocess -Reason x -Confirm:$false
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 10
        Assert-EtlError (Get-FirstError { $run | Undo-Reprocess -Reason x -Confirm:$false }) NothingToUndo ObjectNotFound
    }

    It 'returns the plan and changes nothing with -WhatIf' {
        Add-PatientFile $scene 2026-01-01
        $plan = Start-LoadRun -WhatIf
        $plan.PSTypeNames | Should -Contain EtlTools.Core.Discovery.LoadPlanItem
        $plan.ExtractType | Should -Be patient
        Get-LoadRun | Should -BeNullOrEmpty
    }

    It 'loads new files from the pipeline' {
        Add-PatientFile $scene 2026-01-01
        Add-PracticeFile $scene 2026-01-01
        $run = Find-NewFile -ExtractType practice | Start-LoadRun
        ($run | Get-LoadFile).ExtractType | Should -Be practice
    }

    It 'tells of keys that come twice in a file, and of values that a rule emptied' {
        $pipeline = Join-Path $scene.Folder tolerant.yaml
        (Get-Content -Raw $scene.Pipeline) -replace '(?m)^      - born: date', "`$0`n    rules:`n      born: {on_invalid: set_null}" | Set-Content $pipeline
        $path = Add-PatientFile $scene 2026-01-01 -Line '3,1,Aroha Planted-Name,1980-02-28', '11,1,Aroha Planted-Name,yesterday', '12,1,,1980-02-28'
        $notices = @{ Pipeline = $pipeline; WarningVariable = 'warnings'; WarningAction = 'SilentlyContinue'; InformationVariable = 'told' }
        $run = Start-LoadRun @notices -MaxErrorRate 50% 6> $null
        $run.Status | Should -Be Completed
        $warnings | Should -Be 'patient_202601010000.csv: 1 row with a key that comes again later in the file; of each key stg.patients has the last row.'
        $told | Should -Be 'patient_202601010000.csv: 1 value set to NULL in stg.patients by on_invalid: set_null (born).'

        # The same of a reprocess, which recomputes.
        $receipt = $run | Invoke-Reprocess -Reason x -MaxErrorRate 50% -PassThru @notices 6> $null
        $warnings | Should -Match ': 1 row with a key '
        $told | Should -Match ': 1 value set to NULL '
        $receipt.Staging.Duplicates, $receipt.Staging.Emptied | Should -Be 1, 1
        $receipt.Staging.EmptiedColumn | Should -Be born

        # Nothing to tell of rows that are older than what is there.
        Add-PatientFile $scene 2025-01-01
        (Start-LoadRun @notices).RowsIngested | Should -Be 10
        $warnings | Should -BeNullOrEmpty
        $told | Should -BeNullOrEmpty
    }

    It 'says what waits where there is nothing to load' {
        Start-LoadRun -Verbose *>&1 | Out-String | Should -Match 'nothing to load'
        Add-BrokenFile $scene 2026-01-02
        foreach ($attempt in 1, 2) { Start-LoadRun -ErrorAction Ignore | Out-Null }
        Add-PatientFile $scene 2026-01-01
        $run = Start-LoadRun -WarningVariable none -WarningAction SilentlyContinue
        $none | Should -BeNullOrEmpty
        Add-PatientFile $scene 2026-01-01 -Id (1..5)
        $receipt = $run | Invoke-Reprocess -Reason x -PassThru
        $receipt | Undo-Reprocess -Reason x -Confirm:$false
        foreach ($command in 'Get-LoadPlan', 'Start-LoadRun') {
            & $command -WarningVariable warnings -WarningAction SilentlyContinue | Should -BeNullOrEmpty
            $warnings | Should -HaveCount 2
            $warnings[0] | Should -Match 'next try: 1 file.*\(local\).*Find-FailedFile'
            $warnings[1] | Should -Match "Invoke-Reprocess -LoadRunFileId $($receipt.NewLoadRunFileId) "
        }
        Get-LoadPlan -ExtractType practice -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -BeNullOrEmpty
    }

    It 'stages what was loaded without, though there is nothing new' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun -SkipStaging | Out-Null
        Start-LoadRun -SkipStaging | Should -BeNullOrEmpty
        Start-LoadRun -WhatIf | Should -BeNullOrEmpty
        (Test-StagingIntegrity -ExtractType patient).UnstagedFiles | Should -Be 1
        (Start-LoadRun).Status | Should -Be Completed
        (Test-StagingIntegrity -ExtractType patient).UnstagedFiles | Should -Be 0
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 10
        Start-LoadRun | Should -BeNullOrEmpty
    }

    It 'tells of keys that go when the file is staged later, and health does too' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun | Out-Null
        Add-PatientFile $scene 2026-01-01 -Id (1..3)
        Start-LoadRun -SkipStaging -WarningVariable early -WarningAction SilentlyContinue | Out-Null
        $early | Should -BeNullOrEmpty
        (Get-ProcessingHealth).Recommendation.Text | Should -Match '^1 file loaded, and not in staging yet'
        Start-LoadRun -WarningVariable warned -WarningAction SilentlyContinue -InformationVariable told 6> $null | Out-Null
        "$warned" | Should -Match '7 keys gone'
        "$told" | Should -Match 'Staged: 1 file that an earlier run had loaded'
        $advice = (Get-ProcessingHealth).Recommendation | Where-Object Text -Match 'took the place .* 7 keys went'
        (& ([scriptblock]::Create($advice.Command))).Staging.Inserted | Should -Be 7
    }

    It 'loads items of a plan from the pipeline' {
        Add-PatientFile $scene 2026-01-01
        Add-PatientFile $scene 2026-01-02
        $run = Get-LoadPlan | Select-Object -First 1 | Start-LoadRun
        ($run | Get-LoadFile).FileName | Should -Be 'patient_202601010000.csv'
    }

    It 'loads a file by its key, as text from the pipeline too' {
        Add-PatientFile $scene 2026-01-01
        ('patient_202601010000.csv' | Start-LoadRun).RowsIngested | Should -Be 10
    }

    It 'tells of files of its plan that are loaded already' {
        Add-PatientFile $scene 2026-01-01
        $plan = Get-LoadPlan
        $plan | Start-LoadRun | Out-Null
        ($plan | Start-LoadRun -InformationVariable told 6> $null).FilesProcessed | Should -Be 0
        $told | Should -Match '^Left alone: 1 file already loaded'
    }

    It 'loads nothing where the search before it found nothing' {
        Add-PatientFile $scene 2026-01-01
        Find-FailedFile | Start-LoadRun | Should -BeNullOrEmpty
        Get-LoadRun | Should -BeNullOrEmpty
    }

    It 'returns the run, and then an error for each failed file' {
        $broken = Add-BrokenFile $scene 2026-01-01
        Add-PatientFile $scene 2026-01-02
        $run = Start-LoadRun -ErrorVariable failures -ErrorAction SilentlyContinue
        $run.Status | Should -Be Failed
        $run.FilesProcessed | Should -Be 1
        $failures | Should -HaveCount 1
        Assert-EtlError $failures[0] 'TooManyBadRows|FileErrorRateExceeded|ErrorRateExceeded|TooManyRejectedRows'
        $failures[0].TargetObject | Should -Be (Split-Path -Leaf $broken)
        $failures[0].ErrorDetails.RecommendedAction | Should -Match 'higher -MaxErrorRate.+Get-RejectedRow -LoadRunFileId \d+ .+Find-FailedFile \|'
    }

    It 'finishes the run before -ErrorAction Stop takes effect' {
        Add-BrokenFile $scene 2026-01-01
        Add-PatientFile $scene 2026-01-02
        Get-FirstError { Start-LoadRun -ErrorAction Stop } | Should -Not -BeNullOrEmpty
        (Get-LoadRun).FilesProcessed | Should -Be 1
    }

    It 'takes a rate as a percentage' {
        Add-PatientFile $scene 2026-01-01 -Id 1, 2 -Line '3,1,x,1980-01-01,x'
        (Start-LoadRun -MaxErrorRate 50%).Status | Should -Be Completed
        { Start-LoadRun -MaxErrorRate 500% } | Should -Throw -ErrorId 'ParameterArgumentTransformationError,*'
    }

    It 'tells progress with rows a second' {
        Add-PatientFile $scene 2026-01-01
        $shell = [powershell]::Create()
        try {
            $null = $shell.AddScript({
                param($module, $connection, $pipeline)
                Import-Module $module
                Connect-EtlDatabase $connection -Pipeline $pipeline
                Start-LoadRun
            }).AddArgument((Get-ModulePath)).AddArgument($scene.Connection).AddArgument($scene.Pipeline)
            $shell.Invoke().RowsIngested | Should -Be 10
            $loading = $shell.Streams.Progress | Where-Object Activity -eq Loading
            $loading[-1].RecordType | Should -Be Completed
            $loading.StatusDescription -match '1 of 1 file, 10 rows, .* rows/s' | Should -Not -BeNullOrEmpty
        }
        finally {
            $shell.Dispose()
        }
    }

    It 'takes file, type and dates as limits' {
        Add-PatientFile $scene 2026-01-01
        Add-PatientFile $scene 2026-01-02
        Add-PatientFile $scene 2026-01-03
        (Start-LoadRun -From 2026-01-02 -To 2026-01-03 -WhatIf).FileName | Should -Be 'patient_202601020000.csv'
        Start-LoadRun -First 2 -WhatIf | Should -HaveCount 2
        Start-LoadRun -ExtractType practice -WhatIf | Should -BeNullOrEmpty
    }

    It 'skips staging when told to, and the next run catches up' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun -SkipStaging | Out-Null
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 0
        Add-PatientFile $scene 2026-01-02 -Id 11
        Start-LoadRun | Out-Null
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 11
    }

    It 'keeps reason and trigger with the run' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun -Reason 'first fill' -TriggeredBy backfill | Out-Null
        $run = Get-LoadRun
        $run.Reason | Should -Be 'first fill'
        $run.TriggeredBy | Should -Be backfill
    }

    It 'does not load by a plan that is stale: <What>' -ForEach @(
        @{ What = 'the file has changed'; Change = { Add-PatientFile $scene 2026-01-01 -Id (1..20) }; Id = 'SourceFileChanged' }
        @{ What = 'the file is gone'; Change = { Remove-Item (Join-Path $scene.Source *) }; Id = 'SourceFileMissing' }
    ) {
        Add-PatientFile $scene 2026-01-01
        $plan = Get-LoadPlan
        & $Change
        $run = $plan | Start-LoadRun -ErrorVariable failures -ErrorAction SilentlyContinue
        $run.Status | Should -Be Failed
        $run.RowsIngested | Should -Be 0
        Assert-EtlError $failures[0] $Id
    }

    It 'does not load twice what somebody else has loaded since the plan was made' {
        Add-PatientFile $scene 2026-01-01
        $plan = Get-LoadPlan
        Start-LoadRun | Out-Null
        ($plan | Start-LoadRun).RowsIngested | Should -Be 0
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM raw.patients').n | Should -Be 10
    }

    It 'keeps to number and dates with files from the pipeline too' {
        1..4 | ForEach-Object { Add-PatientFile $scene ([datetime] '2026-01-01').AddDays($_) -Id $_ }
        (Get-LoadPlan | Start-LoadRun -First 1).FilesProcessed | Should -Be 1
        $run = Find-NewFile | Start-LoadRun -From 2026-01-03 -To 2026-01-05
        ($run | Get-LoadFile).FileName | Sort-Object | Should -Be 'patient_202601030000.csv', 'patient_202601040000.csv'
    }

    It 'goes on after a key that is not there' {
        Add-PatientFile $scene 2026-01-01
        $run = 'no_such.csv', 'patient_202601010000.csv' | Start-LoadRun -ErrorVariable failures -ErrorAction SilentlyContinue
        $run.FilesProcessed | Should -Be 1
        $failures | Should -HaveCount 1
        Assert-EtlError $failures[0] SourceFileMissing ObjectNotFound
    }

    It 'refuses a key that is not there' {
        Assert-EtlError (Get-FirstError { Start-LoadRun -Key no_such.csv -ErrorAction Stop }) SourceFileMissing ObjectNotFound
        Get-LoadRun | Should -BeNullOrEmpty
    }

    It 'refuses a name outside the convention' {
        Set-Content (Join-Path $scene.Source strange.csv) x
        Assert-EtlError (Get-FirstError { Start-LoadRun -Key strange.csv -ErrorAction Stop }) FileNameNotRecognised InvalidArgument
    }

    It 'refuses a database without schema' {
        $empty = New-TestDatabase
        try {
            Add-PatientFile $scene 2026-01-01
            Assert-EtlError (Get-FirstError { Start-LoadRun -Connection $empty -Pipeline $scene.Pipeline -ErrorAction Stop }) SchemaMissing MetadataError
        }
        finally {
            Remove-TestDatabase $empty
        }
    }
}
