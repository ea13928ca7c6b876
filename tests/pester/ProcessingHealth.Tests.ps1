BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Processing health' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Invoke-TestSql $scene.Connection @'
CREATE TABLE raw_ingestions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, raw_payload jsonb NOT NULL DEFAULT '{"name": "Aroha Planted-Name"}',
    processing_status varchar(50), processing_errors jsonb, processed_at timestamptz, created_at timestamptz DEFAULT now());
INSERT INTO raw_ingestions (user_id, processing_status, processing_errors)
SELECT 'aaaaaaaa-0000-4000-8000-000000000001'::uuid, 'processed', '{"processing_metadata": {"expected_count": 100, "actual_count": 40}}'::jsonb FROM generate_series(1, 4)
UNION ALL
SELECT 'bbbbbbbb-0000-4000-8000-000000000002', 'error', '[{"error_message": "Aroha Planted-Name: too many arguments"}]'
UNION ALL
SELECT 'cccccccc-0000-4000-8000-000000000003', 'processed', NULL FROM generate_series(1, 95);
INSERT INTO raw_ingestions (user_id, processing_status, processing_errors, created_at)
SELECT 'cccccccc-0000-4000-8000-000000000003', 'processed', '{"processing_metadata": {"expected_count": 100, "actual_count": 75}}', now() - interval '36 hours';
'@ | Out-Null
        Add-PracticeFile $scene 2026-01-01
        Add-PatientFile $scene 2026-01-01 -Id (1..98) -Line 'x,1,Aroha Planted-Name,1980-02-28'
        Start-LoadRun | Out-Null
        $folder = New-TestFolder
        $empty = New-TestDatabase
        Initialize-EtlDatabase -Connection $empty | Out-Null
    }
    AfterAll {
        Remove-TestFolder $folder
        Remove-TestDatabase $empty
        Remove-Scene $scene
    }

    Context 'Get-ProcessingHealth' {
        It 'has one object for all families, with parts that are objects' {
            $health = Get-ProcessingHealth -Window 24h
            @($health) | Should -HaveCount 1
            $health.Status | Should -Be Critical
            $health.Window | Should -Be ([timespan]::FromHours(24))
            $health.TimeZone | Should -Be ([System.TimeZoneInfo]::Local.Id)
            $health.Overall.Family | Should -Be Load, Ingestion
            ($health.Overall | Where-Object Family -EQ Ingestion).Total | Should -Be 100
            @($health.Alert | Where-Object Severity -EQ Critical).Id | Should -Be DataLoss
            ($health.Impact | Where-Object Urgency -EQ Urgent).UserId | Should -Be 'aaaaaaaa-0000-4000-8000-000000000001'
            ($health.ErrorPattern | Where-Object ErrorCode -EQ ParameterLimit).Count | Should -Be 1
            $health.Trend | Where-Object IsCurrent | Should -HaveCount 2
        }

        It 'reads like a report, and holds no value of the data' {
            $report = Get-ProcessingHealth | Out-String -Width 200
            $report | Should -Match '=== PROCESSING MONITORING REPORT ===\s+Status: Critical'
            $report | Should -Match 'OVERALL STATISTICS:'
            $report | Should -Match '• Total Payloads: 100'
            $report | Should -Match '• Successfully Processed: 99 \(99\.0%\)'
            $report | Should -Match 'USER IMPACT ANALYSIS:\s+• User aaaaaaaa-0000-4000-8000-000000000001: 60\.0% data loss, 0\s+days since\s+success, Action: URGENT'
            $report | Should -Match 'Action: URGENT: Recover this user''s data now'
            $report | Should -Match '• Windows Before: 1 payload on average, errors \(0\.0%\), loss \(25\.0%\)'
            $report | Should -Match 'RECOVERY RECOMMENDATIONS:\s+'
            $report | Should -Match 'Data loss detected in 4 payloads'
            $report | Should -Not -Match 'Planted'
        }

        It 'has tables that fit 80 columns' {
            $health = Get-ProcessingHealth
            foreach ($part in 'Family', 'Overall', 'DataLoss', 'ErrorPattern', 'Impact', 'Backlog', 'Trend', 'Alert', 'Total') {
                $lines = ($health.$part | Out-String -Width 80) -split '\r?\n'
                $headings = @($lines | Where-Object { $_ -match '^\s*-+[- ]*$' })
                $headings | Should -HaveCount 1 -Because "$part has one row of headings, none of which is squeezed"
                ($headings[0] -split '\s+' | Where-Object Length -EQ 1) | Should -BeNullOrEmpty -Because $part
            }
        }

        It 'has a view for each part' {
            $health = Get-ProcessingHealth
            foreach ($part in 'Family', 'Overall', 'DataLoss', 'ErrorPattern', 'Impact', 'Backlog', 'Trend', 'Alert', 'Recommendation', 'Total') {
                $objects = @($health.$part)
                $objects | Should -Not -BeNullOrEmpty -Because $part
                Get-FormatData -TypeName $objects[0].GetType().FullName | Should -Not -BeNullOrEmpty -Because $part
                $objects | Out-String | Should -Match '\d'
            }
        }

        It 'takes a number of hours, and keeps to users or practices' {
            (Get-ProcessingHealth 6).Window | Should -Be ([timespan]::FromHours(6))
            (Get-ProcessingHealth 7d -PreviousWindow 0).Trend | Should -HaveCount 2
            $one = Get-ProcessingHealth -UserId 'bbbbbbbb-0000-4000-8000-000000000002'
            $one.Overall.Total | Should -Be 1
            ($one.Family | Where-Object Family -EQ Load).IsIncluded | Should -BeFalse
            (Get-ProcessingHealth -PracticeId 535).Overall.Family | Should -Be Load
        }

        It 'goes by the parameters, over etl.yaml, over the defaults' {
            $file = Join-Path $folder etl.yaml
            Set-Content $file 'health:', '  data_loss_critical: 90%', '  data_loss_warning: 80%'
            (Get-ProcessingHealth -ConfigurationFile $file).Alert.Id | Should -Not -Contain DataLoss
            $health = Get-ProcessingHealth -ConfigurationFile $file -DataLossWarning 2% -StuckAfter 30m
            ($health.Alert | Where-Object Id -EQ DataLoss).Severity | Should -Contain Warning
            $health.Threshold.DataLossCritical | Should -Be 0.9
            $health.Threshold.StuckAfter | Should -Be ([timespan]::FromMinutes(30))

            Set-Content $file 'health:', '  data_loss_critical: 90'
            $failure = Get-FirstError { Get-ProcessingHealth -ConfigurationFile $file }
            Assert-EtlError $failure ProfilesInvalid InvalidData
            $failure | Should -Match 'etl\.yaml:2: data_loss_critical'
            Remove-Item $file
        }

        It 'refuses limits and windows that make no sense' {
            Assert-EtlError (Get-FirstError { Get-ProcessingHealth -FailureWarning 50% }) HealthThresholdInvalid InvalidArgument
            Assert-EtlError (Get-FirstError { Get-ProcessingHealth -Window 0 }) HealthWindowInvalid InvalidArgument
            $failure = Get-FirstError { Get-ProcessingHealth -Window 20000d }
            Assert-EtlError $failure HealthWindowInvalid InvalidArgument
            $failure | Should -Match 'A window of 20000d is longer than 10 years\.'
            { Get-ProcessingHealth -Window 99999999d } | Should -Throw -ExpectedMessage '*at most 10,675,199 days*'
            { Get-ProcessingHealth -FailureWarning 50 } | Should -Throw -ExpectedMessage '*0.05 or 5%*'
        }

        It 'recommends commands that can be run' {
            $health = Get-ProcessingHealth
            $commands = @($health.Recommendation.Command) + @($health.Impact.Command)
            $commands | Should -Not -BeNullOrEmpty
            foreach ($text in $commands) {
                $errors = $null
                $ast = [System.Management.Automation.Language.Parser]::ParseInput($text, [ref] $null, [ref] $errors)
                $errors | Should -BeNullOrEmpty -Because $text
                foreach ($call in $ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true)) {
                    $command = Get-Command $call.GetCommandName() -ErrorAction Stop
                    foreach ($element in $call.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                        { $command.ResolveParameter($element.ParameterName) } | Should -Not -Throw -Because $text
                    }
                }
            }
        }
    }

    Context 'Test-ProcessingHealth' {
        It 'is false for what is critical, and says why when asked' {
            Test-ProcessingHealth | Should -BeExactly $false
            $said = Test-ProcessingHealth -Verbose 4>&1 | Out-String
            $said | Should -Match 'Critical: Raw ingestions: 60\.0% of the metrics expected are missing'
        }

        It 'lets a warning pass unless told otherwise' {
            $limits = @{ DataLossCritical = '100%'; MinSuccessRate = 0 }
            Test-ProcessingHealth @limits | Should -BeExactly $true
            Test-ProcessingHealth @limits -WarningAsFailure | Should -BeExactly $false
            Test-ProcessingHealth @limits -DataLossWarning 100% -WarningAsFailure | Should -BeExactly $true
        }

        It 'does not know an idle pipeline to be healthy' {
            (Get-ProcessingHealth -Connection $empty).Status | Should -Be NoData
            Test-ProcessingHealth -Connection $empty | Should -BeExactly $false
            Test-ProcessingHealth -Connection $empty -AllowNoData | Should -BeExactly $true
        }

        It 'judges a health that was read already, and no other way at once' {
            $health = Get-ProcessingHealth -DataLossCritical 100%
            $health, (Get-ProcessingHealth) | Test-ProcessingHealth | Should -Be $true, $false
            @() | Test-ProcessingHealth | Should -BeNullOrEmpty
            Assert-EtlError (Get-FirstError { $health | Test-ProcessingHealth -Window 7d -ErrorAction Stop }) HealthGivenTwice InvalidArgument
        }

        It 'gives a scheduled task its exit code' {
            $file = Join-Path $folder task.ps1
            Set-Content $file @"
            param(`$Connection)
            `$ErrorActionPreference = 'Stop'
            Import-Module '$(Get-ModulePath)'
            exit [int](-not (Test-ProcessingHealth -AllowNoData -Connection `$Connection))
"@
            & ([Environment]::ProcessPath) -NoProfile -NonInteractive -File $file $scene.Connection
            $LASTEXITCODE | Should -Be 1
            & ([Environment]::ProcessPath) -NoProfile -NonInteractive -File $file $empty
            $LASTEXITCODE | Should -Be 0
            & ([Environment]::ProcessPath) -NoProfile -NonInteractive -File $file 'Host=127.0.0.1;Port=1' 2>&1 | Out-Null
            $LASTEXITCODE | Should -Be 1
        }
    }

    Context 'Export-ProcessingHealth' {
        It 'writes each format, by extension or by name' {
            $base = Join-Path $folder health
            $written = Get-ProcessingHealth | Export-ProcessingHealth -Path "$base.html", "$base.json", "$base.prom" -PassThru
            $written.Format | Should -Be Html, Json, Prometheus
            $written.Status | Should -Be Critical, Critical, Critical
            $written | ForEach-Object { (Get-Item $_.Path).Length | Should -Be $_.SizeBytes }
            Get-Content "$base.html" -TotalCount 1 | Should -Be '<!DOCTYPE html>'
            (Get-Content -Raw "$base.json" | ConvertFrom-Json).status | Should -Be Critical
            Get-Content "$base.prom" | Should -Contain "etl_data_loss_items{database=`"$((Get-ProcessingHealth).Database -replace '.*@')`",family=`"ingestion`"} 4"
            Get-ChildItem $folder -Filter *.tmp | Should -BeNullOrEmpty

            Export-ProcessingHealth -LiteralPath (Join-Path $folder '[1].txt') -Format json | Should -BeNullOrEmpty
            (Get-Content -Raw -LiteralPath (Join-Path $folder '[1].txt') | ConvertFrom-Json).schemaVersion | Should -Be 1
            foreach ($file in Get-ChildItem $folder -File) {
                Get-Content -Raw -LiteralPath $file.FullName | Should -Not -Match 'Planted' -Because $file.Name
            }
        }

        It 'takes the path first, and then the window' {
            $written = Export-ProcessingHealth (Join-Path $folder first.json) 7d -PassThru
            (Get-Content -Raw $written.Path | ConvertFrom-Json).window | Should -Be P7D
        }

        It 'writes nothing with -WhatIf' {
            Export-ProcessingHealth -Path (Join-Path $folder not.html) -WhatIf
            Join-Path $folder not.html | Should -Not -Exist
        }

        It 'writes to the place where PowerShell stands' {
            $here = New-Item -ItemType Directory (Join-Path $folder here)
            Push-Location $here
            try {
                (Export-ProcessingHealth -Path here.json -PassThru).Path | Should -Be (Join-Path $here here.json)
            }
            finally {
                Pop-Location
            }
        }

        It 'says what is wrong with the place or the format' {
            Assert-EtlError (Get-FirstError { Export-ProcessingHealth -Path (Join-Path $folder x.txt) }) HealthFormatUnknown InvalidArgument
            Assert-EtlError (Get-FirstError { Export-ProcessingHealth -Path (Join-Path $folder no/x.html) }) ExportFolderMissing ObjectNotFound
            Assert-EtlError (Get-FirstError { Export-ProcessingHealth -Path $folder -Format Json }) ExportDenied PermissionDenied
            Assert-EtlError (Get-FirstError { Export-ProcessingHealth -Path (Join-Path $folder x.prom) -PracticeId 535 }) HealthIsPartial InvalidArgument
        }

        It 'leaves the old file where the health cannot be read' {
            $file = Join-Path $folder kept.prom
            Set-Content $file 'old'
            Get-FirstError { Export-ProcessingHealth -Path $file -Connection 'Host=127.0.0.1;Port=1;Database=none' } | Should -Not -BeNullOrEmpty
            Get-Content $file | Should -Be old
        }
    }
}

# One of everything that there is a recommendation for: what an admin copies from the report has to run.
Describe 'The commands that a health recommends' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Invoke-TestSql $scene.Connection @'
CREATE TABLE raw_ingestions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, raw_payload jsonb NOT NULL,
    processing_status varchar(50), processing_errors jsonb, processed_at timestamptz, created_at timestamptz DEFAULT now() - interval '2 hours');
CREATE TABLE heart_rate_metrics (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, recorded_at timestamptz NOT NULL, heart_rate integer, UNIQUE (user_id, recorded_at));
CREATE FUNCTION pg_temp.payload(type text, n integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('data', jsonb_build_object('workouts', '[]'::jsonb, 'metrics', (
        SELECT jsonb_agg(jsonb_build_object('type', type, 'heart_rate', 60, 'recorded_at', '2025-09-01T00:00:00Z'::timestamptz + make_interval(mins => g)))
        FROM generate_series(1, n) g)))
$$;
INSERT INTO raw_ingestions (user_id, processing_status, processing_errors, raw_payload, created_at)
SELECT ('a0000000-0000-4000-8000-00000000000' || n)::uuid, status, errors::jsonb, payload, now() - age
FROM (VALUES
    (1, 'processed', NULL, pg_temp.payload('HeartRate', 10), interval '2 hours'),
    (2, 'error', '[{"error_message": "too many arguments"}]', pg_temp.payload('HeartRate', 10), '2 hours'),
    (3, 'processed', NULL, pg_temp.payload('Telepathy', 10), '2 hours'),
    (4, 'processed', NULL, '{"large_payload": true, "size": 99999999}', '2 hours'),
    (5, 'error', '[{"error_type": "timeout", "message": "deadline"}]', pg_temp.payload('HeartRate', 3), '2 hours'),
    (6, 'processing', NULL, pg_temp.payload('HeartRate', 3), '40 days')
) p (n, status, errors, payload, age);
INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate)
SELECT 'a0000000-0000-4000-8000-000000000005', '2025-09-01T00:00:00Z'::timestamptz + make_interval(mins => g), 60 FROM generate_series(1, 3) g;
'@ | Out-Null
        Add-PracticeFile $scene (Get-Date) | Out-Null
        Add-PatientFile $scene (Get-Date) -Id (1..98) -Line 'x,1,Aroha Planted-Name,1980-02-28' | Out-Null
        Start-LoadRun | Out-Null
        Add-BrokenFile $scene (Get-Date).AddMinutes(1) | Out-Null
        Start-LoadRun -ErrorAction Ignore | Out-Null
        Invoke-TestSql $scene.Connection @'
INSERT INTO etl.load_runs (load_run_id, status, triggered_by, lease_key, started_at)
VALUES ('11111111-1111-1111-1111-111111111111', 'running', 'manual', 424242, now() - interval '3 hours');
UPDATE etl.load_run_files SET practice_id = '535';
INSERT INTO etl.load_runs (status, triggered_by, pipeline, error_code, started_at) VALUES ('failed', 'manual', 'clinic', 'SourceUnavailable', now());
'@ | Out-Null
        Find-LostData -Window 24h | Out-Null
        Invoke-TestSql $scene.Connection @'
INSERT INTO raw_ingestions (user_id, processing_status, raw_payload) SELECT 'a0000000-0000-4000-8000-000000000007', 'processed', '{"data": {"metrics": []}}'
'@ | Out-Null
        $whole = Get-ProcessingHealth
    }
    AfterAll {
        Remove-Scene $scene
    }

    It 'is about everything that is wrong' {
        foreach ($text in 'failed before any file', 'stuck run', 'not loaded', 'in quarantine', 'Data loss detected in', 'rejected. Look at their types',
            'no recovery brings back', 'marked as failed, with nothing lost', 'parameter limit violations', 'payload stuck', 'not audited yet') {
            @($whole.Recommendation.Text -match [regex]::Escape($text)) | Should -HaveCount 1 -Because $text
        }
    }

    It 'runs as typed, for <Name>' -ForEach @(
        @{ Name = 'everybody'; Asked = @{} }
        @{ Name = 'a week, some users and a schema'; Asked = @{ Window = '7d'; UserId = 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000003'; Schema = 'public' } }
        @{ Name = 'a practice'; Asked = @{ PracticeId = '535' } }
    ) {
        $health = Get-ProcessingHealth @Asked
        $commands = @($health.Recommendation.Command) + @($health.Impact.Command) | Sort-Object -Unique
        $commands | Should -Not -BeNullOrEmpty
        $lossBefore = (Invoke-TestSql $scene.Connection 'SELECT count(*)::integer AS n FROM heart_rate_metrics').n
        foreach ($command in $commands) {
            { & ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'; $command")) 3>&1 6>&1 | Out-String } | Should -Not -Throw -Because $command
        }
        (Invoke-TestSql $scene.Connection 'SELECT count(*)::integer AS n FROM heart_rate_metrics').n | Should -Be $lossBefore -Because 'a command shows or previews'
    }

    It 'does what it says' {
        # What is previewed is done by the same line without -WhatIf; then it is no advice any more.
        $recover = $whole.Recommendation | Where-Object Text -Match 'Data loss detected'
        & ([scriptblock]::Create(($recover.Command -replace '-WhatIf', "-ReportPath '$($scene.Folder)'"))) 3> $null | Out-Null
        $status = $whole.Recommendation | Where-Object Text -Match 'nothing lost'
        & ([scriptblock]::Create(($status.Command -replace '-WhatIf', "-ReportPath '$($scene.Folder)'"))) 3> $null | Out-Null
        $stuck = $whole.Recommendation | Where-Object Text -Match 'payload stuck'
        & ([scriptblock]::Create(($stuck.Command -replace '-WhatIf', "-ReportPath '$($scene.Folder)'"))) 3> $null | Out-Null
        $after = Get-ProcessingHealth
        $after.Recommendation.Text | Should -Not -Match 'Data loss detected|nothing lost|parameter limit|payload stuck'
        ($after.Overall | Where-Object Family -EQ Ingestion).Failed | Should -Be 0
    }
}

# Each thing that can be wrong with a table, made by real syncs; then neither source nor configuration is needed to see it.
Describe 'The health of tables' -Skip:(-not ((Test-PostgresServer) -and (Test-MariaDbServer))) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        Import-Module (Get-ModulePath)
        $folder = New-TestFolder
        $database = New-TestDatabase
        Initialize-EtlDatabase -Connection $database -Confirm:$false | Out-Null
        $source = New-TestSource @'
CREATE TABLE patient (PatNum bigint PRIMARY KEY, LName varchar(100) NOT NULL);
INSERT INTO patient SELECT seq, 'Aroha Planted-Name' FROM seq_1_to_50;
CREATE TABLE appointment (AptNum bigint PRIMARY KEY, Note varchar(50));
INSERT INTO appointment SELECT seq, 'Aroha Planted-Name' FROM seq_1_to_20;
CREATE TABLE `treat plan` (PlanNum bigint PRIMARY KEY);
INSERT INTO `treat plan` SELECT seq FROM seq_1_to_20;
CREATE TABLE securitylog (LogNum bigint PRIMARY KEY);
INSERT INTO securitylog SELECT seq FROM seq_1_to_20;
CREATE TABLE claim (ClaimNum bigint PRIMARY KEY);
INSERT INTO claim SELECT seq FROM seq_1_to_20;
CREATE TABLE definition (DefNum int PRIMARY KEY);
'@
        Set-Content "$folder/tables.yaml" @'
format: etltools-1
tables:
  patient:
    importance: critical
  appointment:
    importance: important
  treat plan:
    importance: audit
  securitylog:
    importance: audit
  claim:
    importance: important
  definition:
    importance: reference
'@
        Set-Content "$folder/etl.yaml" @"
sources:
  practice:
    host: 127.0.0.1
    port: $env:ETL_TEST_MARIADB
    database: $source
    username: root
    tables: tables.yaml
"@
        $env:ETL_CONFIG = "$folder/etl.yaml"
        Connect-EtlDatabase $database
        1..4 | ForEach-Object { Sync-Table | Out-Null }
        $good = Get-ProcessingHealth

        # patient is overdue, appointment fails, treat plan is slow, securitylog drifted, claim lacks rows, definition is well.
        Invoke-TestSql $database @'
UPDATE etl.table_states SET last_success_at = now() - interval '50 hours' WHERE table_name = 'patient';
UPDATE etl.table_syncs SET started_at = finished_at - interval '2 hours' WHERE table_sync_id = (SELECT max(table_sync_id) FROM etl.table_syncs WHERE table_name = 'treat plan');
UPDATE etl.table_syncs SET verified = 0.5 WHERE table_name = 'claim';
'@ | Out-Null
        Invoke-SourceTestSql $source 'RENAME TABLE appointment TO away; ALTER TABLE securitylog ADD `New One` int'
        Sync-Table appointment, securitylog -ErrorAction SilentlyContinue | Out-Null
        Invoke-SourceTestSql $source 'RENAME TABLE away TO appointment'
        $health = Get-ProcessingHealth
    }
    AfterAll {
        $env:ETL_CONFIG = $null
        Disconnect-EtlDatabase
        Remove-TestDatabase $database
        Remove-TestSource $source
        Remove-TestFolder $folder
    }

    It 'is healthy where nothing is wrong' {
        $good.Status | Should -Be Healthy
        $good.Alert | Should -BeNullOrEmpty
        $good.Table | Should -HaveCount 6
        $good.Table.Finding | Should -BeNullOrEmpty
        $good.Recommendation | Should -BeNullOrEmpty
    }

    It 'knows what is wrong with <Table>: <Kind>, <Tier>' -ForEach @(
        @{ Table = 'patient'; Kind = 'Overdue'; Severity = 'Critical'; Tier = 'Immediate' }
        @{ Table = 'appointment'; Kind = 'Failing'; Severity = 'Warning'; Tier = 'Within15Minutes' }
        @{ Table = 'treat plan'; Kind = 'Slow'; Severity = 'Warning'; Tier = 'Daily' }
        @{ Table = 'securitylog'; Kind = 'Drifted'; Severity = 'Warning'; Tier = 'Daily' }
        @{ Table = 'claim'; Kind = 'BelowThreshold'; Severity = 'Warning'; Tier = 'Immediate' }
    ) {
        $finding = ($health.Table | Where-Object Name -EQ $Table).Finding
        $finding.Kind | Should -Be $Kind
        $alert = $health.Alert | Where-Object Id -EQ "Table$Kind"
        $alert.Severity | Should -Be $Severity
        $alert.Tier | Should -Be $Tier
        ($health.Impact | Where-Object TableName -EQ $Table).Finding | Should -Be $Kind
    }

    It 'reads like a report, and holds no value of a row' {
        # A host breaks its lines where it ends.
        $report = ($health | Out-String) -replace '\s+', ' '
        $report | Should -Match 'Table syncs: Critical'
        $report | Should -Match '• Total Syncs: 2[56]'
        $report | Should -Match '• CRITICAL \(at once\): Table syncs: 1 critical table overdue: patient \(last synced 2 days ago; the limit is 24h\)\.'
        $report | Should -Match 'TABLE IMPACT ANALYSIS:'
        $report | Should -Match '• Table patient \(critical\): last synced 2 days ago; the limit is 24h, Action: URGENT: Sync this table now'
        "$report$($health.Table | Format-List * | Out-String)" | Should -Not -Match 'Planted'
        foreach ($part in 'Table', 'Alert') {
            @(($health.$part | Out-String -Width 80) -split '\r?\n' | Where-Object { $_ -match '^\s*-+[- ]*$' }) | Should -HaveCount 1 -Because $part
        }
        $health.Table.Finding | Out-String -Width 80 | Should -Match 'last synced 2 days'
    }

    It 'recommends commands that run as typed' {
        $commands = @($health.Recommendation.Command) + @($health.Impact.Command) | Sort-Object -Unique
        @($commands -match '^Sync-Table -Name ''patient''') | Should -HaveCount 1
        foreach ($start in 'Get-TableStatus -Name ''appointment''', 'Compare-Table -Name ''claim''', 'Get-TableStatus -Name ''treat plan''', '(Get-ProcessingHealth -Window 24h).Table.Finding | Where-Object Kind -EQ Drifted') {
            @($commands -like "$start*") | Should -Not -BeNullOrEmpty -Because $start
        }
        $rows = (Invoke-TestSql $database 'SELECT count(*)::integer AS n FROM etl.table_syncs').n
        foreach ($command in $commands) {
            { & ([scriptblock]::Create("`$ErrorActionPreference = 'Stop'; $command")) 3>&1 6>&1 | Out-String } | Should -Not -Throw -Because $command
        }
        (Invoke-TestSql $database 'SELECT count(*)::integer AS n FROM etl.table_syncs').n | Should -Be $rows -Because 'a command shows or previews'
    }

    It 'takes its tables and findings to other commands by name' {
        (($health.Table | Where-Object Name -EQ patient) | Get-TableStatus).Name | Should -Be patient
        ($health.Table.Finding | Where-Object Kind -EQ Failing | Get-TableStatus).ErrorCode | Should -Be SourceTableMissing
    }

    It 'judges slowness by its parameters, over etl.yaml' {
        (Get-ProcessingHealth -SlowAfter 3h).Alert.Id | Should -Not -Contain TableSlow
        Add-Content "$folder/etl.yaml" 'health:', '  slow_after: 3h'
        (Get-ProcessingHealth).Alert.Id | Should -Not -Contain TableSlow
        (Get-ProcessingHealth -SlowAfter 1m -SlowFactor 1).Alert.Id | Should -Contain TableSlow
        Assert-EtlError (Get-FirstError { Get-ProcessingHealth -SlowFactor 0.5 }) HealthThresholdInvalid InvalidArgument
    }

    It 'is exported by table' {
        $base = Join-Path $folder health
        $health | Export-ProcessingHealth -Path "$base.html", "$base.json", "$base.prom"
        $label = "database=`"$($health.Database -replace '.*@')`""
        $metrics = Get-Content "$base.prom"
        $metrics | Should -Contain "etl_table_has_finding{$label,source=`"practice`",table=`"treat plan`",importance=`"audit`",finding=`"slow`"} 1"
        $metrics | Should -Contain "etl_table_findings{$label,importance=`"critical`",finding=`"overdue`"} 1"
        $metrics | Should -Contain "etl_alerts{$label,severity=`"critical`",tier=`"immediate`"} 1"
        (Get-Content -Raw "$base.json" | ConvertFrom-Json).alert.tier | Should -Contain Daily
        Get-Content -Raw "$base.html" | Should -Match 'treat plan'
        foreach ($file in Get-ChildItem "$base.*") { Get-Content -Raw $file | Should -Not -Match 'Planted' }
    }

    It 'is seen where the source is gone, and there is no configuration' {
        $env:ETL_CONFIG = Join-Path $folder none.yaml
        Set-Content $env:ETL_CONFIG 'health:', '  slow_factor: 3'
        try { (Get-ProcessingHealth).Alert.Id | Should -Contain TableOverdue }
        finally { $env:ETL_CONFIG = "$folder/etl.yaml" }
    }

    It 'is shown by the daily runbook' {
        $runbook = Join-Path (Split-Path (Get-ModulePath)) '../docs/runbooks/daily-monitoring.ps1'
        $said = & ([Environment]::ProcessPath) -NoProfile -NonInteractive -Command "Import-Module '$(Get-ModulePath)'; & '$runbook' -Connection '$database'; exit `$LASTEXITCODE" 2>&1 | Out-String
        $LASTEXITCODE | Should -Be 1
        $said | Should -Match '3\. TABLES \(of 6 that are configured\)'
        $said | Should -Match 'securitylog +Audit +Drifted +New One is new'
    }

    It 'has a source forgotten that is not synced any more' {
        ($health.Recommendation.Text -match 'retired') | Should -BeNullOrEmpty -Because 'some of its tables are synced'
        Invoke-TestSql $database @'
UPDATE etl.table_states SET last_success_at = now() - interval '8 days';
UPDATE etl.configured_tables SET configured_at = now() - interval '9 days';
'@ | Out-Null
        $advice = (Get-ProcessingHealth).Recommendation | Where-Object Text -Match 'No table of practice was synced for 8 days\. If the source is retired'
        $advice.Command | Should -Be "Unregister-TableSync -Source 'practice' -WhatIf"
        (& ([scriptblock]::Create($advice.Command))).Name | Should -HaveCount 6
        (Get-ProcessingHealth).Table | Should -HaveCount 6 -Because 'it was a preview'

        Assert-EtlError (Get-FirstError { Unregister-TableSync patient, none -Source practice }) TableNotRegistered ObjectNotFound
        Assert-EtlError (Get-FirstError { Unregister-TableSync -Source elsewhere }) TableNotRegistered ObjectNotFound
        (Get-ProcessingHealth).Table | Should -HaveCount 6 -Because 'nothing is done by halves'

        ((Get-ProcessingHealth).Table | Where-Object Name -In patient, claim | Unregister-TableSync).Name | Should -Be patient, claim
        Unregister-TableSync -Source practice | Should -HaveCount 4
        $after = Get-ProcessingHealth
        $after.Table | Should -BeNullOrEmpty
        $after.Alert | Where-Object Id -Like Table* | Should -BeNullOrEmpty
        (Invoke-TestSql $database 'SELECT count(*)::integer AS n FROM raw.patient').n | Should -Be 50

        Sync-Table claim | Out-Null
        (Get-ProcessingHealth).Table | Should -HaveCount 6 -Because 'the configuration names them'
    }
}
