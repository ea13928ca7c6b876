# The scripts of docs/runbooks as they stand, on a real database.
BeforeDiscovery {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
    $runbooks = Get-ChildItem "$PSScriptRoot/../../docs/runbooks" -Filter *.ps1 | ForEach-Object { @{ Name = $_.BaseName; Path = $_.FullName } }
}

Describe 'The runbook <Name>' -ForEach $runbooks {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
        Import-Module (Get-ModulePath)
        $errors = $null
        $ast = [System.Management.Automation.Language.Parser]::ParseFile($Path, [ref] $null, [ref] $errors)
        $calls = @($ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true))
    }

    It 'parses, and can be previewed' {
        $errors | Should -BeNullOrEmpty
        (Get-Command $Path).Parameters.Keys | Should -Contain WhatIf
    }

    It 'has help for everything it takes, and an example' {
        $help = Get-Help $Path -Full
        $help.Synopsis | Should -Match '\w+ \w+'
        $help.examples.example | Should -Not -BeNullOrEmpty
        foreach ($parameter in $ast.ParamBlock.Parameters.Name.VariablePath.UserPath) {
            ($help.parameters.parameter | Where-Object name -EQ $parameter).description.Text | Should -Not -BeNullOrEmpty -Because $parameter
        }
    }

    It 'calls commands and parameters that exist' {
        foreach ($call in $calls | Where-Object { $_.GetCommandName() -match '^\w+-(Processing|Load|Data|Lost|Reprocess|Failed|Rejected|Staging|Etl)' }) {
            $command = Get-Command $call.GetCommandName() -ErrorAction Stop
            foreach ($element in $call.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                { $command.ResolveParameter($element.ParameterName) } | Should -Not -Throw -Because $call.Extent.Text
            }
        }
    }
}

Describe 'Runbooks' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        $folder = New-TestFolder
        $runbooks = Join-Path (Split-Path (Get-ModulePath)) '../docs/runbooks'
        $module = Get-ModulePath

        # As a scheduler starts it: a new PowerShell, its exit code, and what it wrote.
        function Invoke-Fresh([string] $runbook, [string] $arguments) {
            $output = & ([Environment]::ProcessPath) -NoProfile -NonInteractive -Command "Import-Module '$module'; & '$runbooks/$runbook.ps1' $arguments; exit `$LASTEXITCODE" 2>&1
            [pscustomobject]@{ ExitCode = $LASTEXITCODE; Output = $output | Out-String }
        }
    }
    BeforeEach {
        Reset-Scene $scene
        Remove-Item (Join-Path $folder *) -Recurse
    }
    AfterAll {
        Remove-TestFolder $folder
        Remove-Scene $scene
    }

    Context 'daily-monitoring' {
        It 'says with its exit code how things stand, and keeps the reading' {
            Add-PracticeFile $scene (Get-Date)
            Start-LoadRun | Out-Null
            $prometheus = Join-Path $folder etl.prom
            $good = Invoke-Fresh daily-monitoring "-Connection '$($scene.Connection)' -OutputFolder '$folder/days' -PrometheusPath '$prometheus'"
            $good.ExitCode | Should -Be 0
            $good.Output | Should -Match 'Status: Healthy'
            (Get-ChildItem "$folder/days").Extension | Sort-Object | Should -Be .html, .json
            Get-Content $prometheus -Raw | Should -Match '(?m)^etl_files_loaded_total\{database="[^"]+"\} 1$'

            Add-BrokenFile $scene (Get-Date)
            Start-LoadRun -ErrorAction Ignore | Out-Null
            (Invoke-Fresh daily-monitoring "-Connection '$($scene.Connection)'").ExitCode | Should -Be 1
            (Invoke-Fresh daily-monitoring "-Connection 'Host=127.0.0.1;Port=1;Database=none'").ExitCode | Should -Be 2
        }

        It 'writes nothing with -WhatIf' {
            & "$runbooks/daily-monitoring.ps1" -OutputFolder "$folder/days" -PrometheusPath "$folder/etl.prom" -AllowNoData -WhatIf *> $null
            $LASTEXITCODE | Should -Be 0
            Get-ChildItem $folder | Should -BeNullOrEmpty
        }
    }

    Context 'incident-response' {
        BeforeEach {
            $path = Add-BrokenFile $scene (Get-Date)
            Start-LoadRun -ErrorAction Ignore | Out-Null
            Invoke-TestSql $scene.Connection @'
INSERT INTO etl.load_runs (load_run_id, status, triggered_by, lease_key, started_at)
VALUES ('11111111-1111-1111-1111-111111111111', 'running', 'manual', 424242, now() - interval '3 hours');
'@ | Out-Null
        }

        It 'previews everything and changes nothing with -WhatIf' {
            $incident = & "$runbooks/incident-response.ps1" -Reason 'INC-1' -WhatIf -PassThru 6> $null
            $incident.Before.Status | Should -Be Critical
            @($incident.Reprocess) | Should -HaveCount 1
            (Get-LoadRun -Problem Stuck).LoadRunId | Should -Be '11111111-1111-1111-1111-111111111111'
            @(Get-LoadRun) | Should -HaveCount 2
        }

        It 'closes what is dead, reprocesses what failed, and shows what is left; again, it changes nothing' {
            # Corrected where it lies, as a vendor would.
            Set-Content $path 'patient_id,practice_id,name,born', '1,1,Aroha Planted-Name,1980-02-28'
            $incident = & "$runbooks/incident-response.ps1" -Reason 'INC-1' -Confirm:$false -PassThru 6> $null
            $incident.StoppedRun.LoadRunId | Should -Be '11111111-1111-1111-1111-111111111111'
            $incident.Reprocess.Status | Should -Be Completed
            $incident.After.Status | Should -Be Healthy
            $incident.Left | Should -BeNullOrEmpty
            (Get-LoadRun -Kind Reprocess).Reason | Should -Be 'INC-1'

            $runs = @(Get-LoadRun).Count
            $again = & "$runbooks/incident-response.ps1" -Reason 'INC-1' -Confirm:$false -PassThru 6> $null
            $again.Reprocess | Should -BeNullOrEmpty
            @(Get-LoadRun) | Should -HaveCount $runs
        }

        It 'brings lost data back, and says so' {
            Invoke-TestSql $scene.Connection @'
CREATE TABLE raw_ingestions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, raw_payload jsonb NOT NULL, processing_status varchar(50),
    processing_errors jsonb, processed_at timestamptz, created_at timestamptz DEFAULT now());
CREATE TABLE heart_rate_metrics (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, recorded_at timestamptz NOT NULL, heart_rate integer, UNIQUE (user_id, recorded_at));
INSERT INTO raw_ingestions (user_id, processing_status, raw_payload)
SELECT '10000000-0000-4000-8000-000000000000', 'processed', jsonb_build_object('data', jsonb_build_object('workouts', '[]'::jsonb, 'metrics', (
    SELECT jsonb_agg(jsonb_build_object('type', 'HeartRate', 'heart_rate', 60 + n, 'recorded_at', '2025-09-01T00:00:00Z'::timestamptz + make_interval(mins => n)))
    FROM generate_series(1, 10) n)));
'@ | Out-Null
            try {
                $user = '10000000-0000-4000-8000-000000000000'
                $preview = & "$runbooks/incident-response.ps1" -Reason 'INC-2' -UserId $user -WhatIf -PassThru 6> $null
                $preview.LostData.Missing | Should -Be 10
                (Invoke-TestSql $scene.Connection 'SELECT count(*)::integer AS n FROM heart_rate_metrics').n | Should -Be 0

                $incident = & "$runbooks/incident-response.ps1" -Reason 'INC-2' -UserId $user -ReportPath $folder -Confirm:$false -PassThru 6> $null
                $incident.Recovery.TotalMetricsRecovered | Should -Be 10
                $week = (& "$runbooks/weekly-review.ps1" -PassThru 6> $null).Recovery.Week
                $week | Should -HaveCount 1
                $week.Recovered, $week.RecoveriesFailed, $week.RecordsRecovered | Should -Be 1, 0, 10
                $incident.After.Status | Should -Be Healthy
                ($incident.After.DataLoss | Where-Object Family -EQ Ingestion).Missing | Should -Be 0
                $incident.After.Overall.Recovered | Should -Be 1
                (Invoke-TestSql $scene.Connection 'SELECT count(*)::integer AS n FROM heart_rate_metrics').n | Should -Be 10
                Get-ChildItem $folder -Filter data_recovery_report_*.json | Should -HaveCount 1
                @(Get-LoadRun -Problem Stuck) | Should -HaveCount 1 -Because 'a user has no files'
            }
            finally {
                Invoke-TestSql $scene.Connection 'DROP TABLE heart_rate_metrics, raw_ingestions; TRUNCATE etl.ingestion_audits, etl.data_recoveries' | Out-Null
            }
        }

        It 'says in its own words that nobody can be asked, and changes nothing' {
            $asked = Invoke-Fresh incident-response "-Connection '$($scene.Connection)' -Pipeline '$($scene.Pipeline)' -Reason 'INC-3'"
            $asked.ExitCode | Should -Be 2
            $asked.Output | Should -Match 'Close 1 stuck run\? Nobody can be asked here\. Pass -Confirm:\$false'
            $asked.Output | Should -Not -Match 'ShouldProcess|NonInteractive|Exception'
            @(Get-LoadRun -Problem Stuck) | Should -HaveCount 1
        }

        It 'reads as a runbook, with the figures of a preview, and has an exit code' {
            $said = Invoke-Fresh incident-response "-Connection '$($scene.Connection)' -Pipeline '$($scene.Pipeline)' -Reason 'INC-3' -WhatIf"
            $said.ExitCode | Should -Be 1 -Because $said.Output
            foreach ($heading in '1. HOW THINGS STAND', '2. LOST DATA', '3. STUCK RUNS', '4. FAILED FILES', '5. WHAT IS LEFT') {
                $said.Output | Should -Match "(?m)^$([regex]::Escape($heading))"
            }
            $said.Output | Should -Match 'Status: Critical before, Critical after \(a preview'
            ($said.Output -split '\r?\n' | Where-Object { $_ -notmatch '^What if|^      ' } | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 120

            Set-Content $path 'patient_id,practice_id,name,born', '1,1,Aroha Planted-Name,1980-02-28'
            (Invoke-Fresh incident-response "-Connection '$($scene.Connection)' -Pipeline '$($scene.Pipeline)' -Reason 'INC-3' -Confirm:`$false").ExitCode | Should -Be 0
            (Invoke-Fresh incident-response "-Connection 'Host=127.0.0.1;Port=1;Database=none' -Reason 'INC-3' -WhatIf").ExitCode | Should -Be 2
        }

        It 'leaves files alone where no pipeline says what they are' {
            $incident = & "$runbooks/incident-response.ps1" -Reason 'INC-1' -Connection $scene.Connection -Confirm:$false -PassThru 3>&1 6> $null
            $incident | Where-Object { $_ -is [System.Management.Automation.WarningRecord] } | Should -Match '-Pipeline'
            ($incident | Where-Object { $_ -isnot [System.Management.Automation.WarningRecord] }).StoppedRun | Should -HaveCount 1
        }
    }

    Context 'weekly-review' {
        It 'compares with the weeks before, and changes nothing' {
            Invoke-TestSql $scene.Connection @'
INSERT INTO etl.load_runs (load_run_id, status, pipeline, triggered_by) VALUES ('22222222-2222-2222-2222-222222222222', 'completed', 'clinic', 'scheduled');
INSERT INTO etl.load_run_files (load_run_id, pipeline, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id, practice_id,
    rows_read, rows_ingested, status, started_at, finished_at, staged_at)
SELECT '22222222-2222-2222-2222-222222222222', 'clinic', 'b', 'k' || w || '-' || n, '', md5(w || '-' || n), '2601010000', 'patient', '1', '535', 100, 100,
    'completed', at, at, at
FROM generate_series(0, 5) w CROSS JOIN LATERAL generate_series(1, CASE WHEN w = 5 THEN 30 ELSE 32 >> w END) n CROSS JOIN LATERAL (SELECT now() - w * interval '7 days' - interval '1 hour' AS at) t;
'@ | Out-Null
            $page = Join-Path $folder week.html
            $review = & "$runbooks/weekly-review.ps1" -Path $page -PassThru 6> $null
            $review.Health.Trend.Total | Should -Be 2, 4, 8, 16, 32
            $review.Capacity.WeeklyGrowth | Should -Be 1
            $review.Capacity.InEightWeeks | Should -Be (32 * 256)
            ($review.Limit | Where-Object Limit -EQ failure_warning).Suggested | Should -Be 0.01
            $review.Reprocess.TotalReprocessingRuns | Should -Be 0
            (& "$runbooks/weekly-review.ps1" -Week 6 -PassThru 6> $null).Capacity.WeeklyGrowth | Should -Be 1 -Because 'the first week of all may be a part of one'
            $page | Should -Exist
        }

        It 'reads as a runbook, and has an exit code' {
            $said = Invoke-Fresh weekly-review "-Connection '$($scene.Connection)'"
            $said.ExitCode | Should -Be 0
            foreach ($heading in 'WEEKLY REVIEW', '1. RECOVERIES', '2. REPROCESSING', '3. ERROR PATTERNS', '4. WEEK BY WEEK', '5. LIMITS TO CHANGE', '6. CAPACITY') {
                $said.Output | Should -Match "(?m)^$([regex]::Escape($heading))"
            }
            ($said.Output -split '\r?\n' | Measure-Object Length -Maximum).Maximum | Should -BeLessOrEqual 120
            (Invoke-Fresh weekly-review "-Connection 'Host=127.0.0.1;Port=1;Database=none'").ExitCode | Should -Be 2
        }
    }
}
