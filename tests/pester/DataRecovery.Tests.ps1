BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Finding and recovering lost data' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $connection = New-TestDatabase
        $folder = New-TestFolder
        Connect-EtlDatabase $connection -WarningAction Ignore
        Initialize-EtlDatabase | Out-Null
        Invoke-TestSql $connection (Get-Content -Raw "$PSScriptRoot/../environment/HealthExport/schema.sql") | Out-Null

        # Two users with two payloads of ten heart rates each, half of them stored, and none says that anything was lost.
        function Reset-Ingestion {
            Invoke-TestSql $connection @'
TRUNCATE users, raw_ingestions, heart_rate_metrics, etl.ingestion_audits, etl.data_recoveries CASCADE;
INSERT INTO users (id, email) VALUES ('10000000-0000-4000-8000-000000000000', 'a@example.org'), ('20000000-0000-4000-8000-000000000000', 'b@example.org');
INSERT INTO raw_ingestions (user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, created_at)
SELECT u.id, md5(u.id::text || p), 1000,
       jsonb_build_object('data', jsonb_build_object('workouts', '[]'::jsonb, 'metrics', (
           SELECT jsonb_agg(jsonb_build_object('type', 'HeartRate', 'heart_rate', 60 + n, 'source_device', 'Aroha Planted-Name',
                                               'recorded_at', '2025-09-01T00:00:00Z'::timestamptz + make_interval(days => p, mins => n)))
           FROM generate_series(1, 10) n))),
       CASE p WHEN 1 THEN 'processed' ELSE 'error' END, now() - make_interval(hours => 1 + p)
FROM users u CROSS JOIN generate_series(1, 2) p;
INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate, source_device)
SELECT user_id, (m ->> 'recorded_at')::timestamptz, (m ->> 'heart_rate')::integer, m ->> 'source_device'
FROM raw_ingestions CROSS JOIN LATERAL jsonb_array_elements(raw_payload -> 'data' -> 'metrics') WITH ORDINALITY e (m, n)
WHERE n <= 5
'@ | Out-Null
        }

        function Get-HeartRateCount { (Invoke-TestSql $connection 'SELECT count(*)::integer AS n FROM heart_rate_metrics').n }
    }
    AfterAll {
        Disconnect-EtlDatabase -ErrorAction Ignore
        Remove-TestDatabase $connection
        Remove-TestFolder $folder
    }
    BeforeEach { Reset-Ingestion }

    Context 'Find-LostData' {
        It 'finds losses that nobody recorded, whatever the status says' {
            $lost = Find-LostData -Window 30d
            $lost | Should -HaveCount 4
            $lost.Missing | Should -Be 5, 5, 5, 5
            $lost.Cause | Should -Be SilentDataLoss, SilentDataLoss, SilentDataLoss, SilentDataLoss
            @($lost | Where-Object Status -eq processed) | Should -HaveCount 2
            $lost[0].Table.Table | Should -Be public.heart_rate_metrics
        }

        It 'keeps to user, status, cause, number and window' {
            @(Find-LostData -UserId 10000000-0000-4000-8000-000000000000) | Should -HaveCount 2
            @(Find-LostData -Status processed) | Should -HaveCount 2
            Find-LostData -Status partial_success, RecoveryFailed | Should -BeNullOrEmpty
            Find-LostData -Cause ParameterLimit | Should -BeNullOrEmpty
            @(Find-LostData -First 3) | Should -HaveCount 3
            @(Find-LostData -Window 150m) | Should -HaveCount 2
            Invoke-TestSql $connection 'DELETE FROM raw_ingestions WHERE processing_status = $$error$$; DELETE FROM heart_rate_metrics' | Out-Null
            @(Find-LostData) | Should -HaveCount 2
        }

        It 'names ingestions and users that are not there, and goes on with the others' {
            $someone = [guid]::NewGuid()
            $found = Find-LostData -UserId $someone, 10000000-0000-4000-8000-000000000000 -ErrorVariable failures -ErrorAction SilentlyContinue
            $found | Should -HaveCount 2
            Assert-EtlError $failures[0] IngestionUserNotFound ObjectNotFound
            $failures[0].TargetObject | Should -Be $someone
            $found = $found[0].RawIngestionId, $someone | Find-LostData -ErrorVariable failures -ErrorAction SilentlyContinue
            $found | Should -HaveCount 1
            Assert-EtlError $failures[0] IngestionNotFound ObjectNotFound
            $failures[0].TargetObject | Should -Be $someone
            $failures | Should -HaveCount 1
        }

        It 'has parts that know their ingestion, and lead on to its recovery' {
            $lost = Find-LostData
            $lost.Table.RawIngestionId | Should -Be $lost.RawIngestionId
            (@($lost)[0].Table | Invoke-DataRecovery -WhatIf).TotalRecords | Should -Be 1
        }

        It 'says what is wrong with what it was given' {
            Assert-EtlError (Get-FirstError { Find-LostData -Schema nosuch -ErrorAction Stop }) IngestionTableMissing ObjectNotFound
            Assert-EtlError (Get-FirstError { Find-LostData -Mapping nosuch -ErrorAction Stop }) MetricMapNotFound
        }
    }

    Context 'Invoke-DataRecovery' {
        It 'recovers what Find-LostData finds, as an admin types it, and a second time changes nothing' {
            $plan = Find-LostData -Window 30d | Invoke-DataRecovery -WhatIf
            $plan.IsPreview | Should -BeTrue
            $plan.TotalMetricsRecovered | Should -Be 20
            Get-HeartRateCount | Should -Be 20
            Get-ChildItem $folder | Should -BeNullOrEmpty

            $report = Find-LostData -Window 30d | Invoke-DataRecovery -ReportPath $folder -Reason 'ticket 4711'
            $report.TotalMetricsRecovered | Should -Be 20
            $report.Table.Recovered | Should -Be $plan.Table.Recovered
            $report.Record.Outcome | Should -Be Recovered, Recovered, Recovered, Recovered
            $report.Record.IsVerified | Should -Not -Contain $false
            Get-HeartRateCount | Should -Be 40
            Find-LostData | Should -BeNullOrEmpty

            Find-LostData -IncludeWhole | Invoke-DataRecovery -ReportPath $folder -PassThru | ForEach-Object Outcome |
                Sort-Object -Unique | Should -Be NothingMissing
            Get-HeartRateCount | Should -Be 40
        }

        It 'writes the report that it names' {
            $report = Invoke-DataRecovery -ReportPath (Join-Path $folder my.json) -InformationVariable told 6> $null
            $told | Should -Be "The report is $($report.Path)"
            $json = Get-Content -Raw $report.Path | ConvertFrom-Json
            Split-Path $report.Path -Leaf | Should -Be my.json
            $json.total_records | Should -Be 2
            $json.total_metrics_recovered | Should -Be 10
            $json.user_recovery_stats.'10000000-0000-4000-8000-000000000000'.data_loss_percentage | Should -Be 50
            $json.verification_checksums.PSObject.Properties.Value | Should -Match '^[0-9a-f]{64}$'
            Get-Content -Raw $report.Path | Should -Not -Match 'Planted-Name'
        }

        It 'takes failed ingestions by itself, those of a user, and nothing where nothing came through the pipe' {
            Find-LostData -Status ready | Invoke-DataRecovery -ReportPath $folder | Should -BeNullOrEmpty
            (Invoke-DataRecovery -UserId 10000000-0000-4000-8000-000000000000 -ReportPath $folder).TotalRecords | Should -Be 1
            (Invoke-DataRecovery -ReportPath $folder -NoVerify).TotalRecords | Should -Be 1
            (Invoke-DataRecovery -Status processed -ReportPath $folder -MaxConcurrency 1 -BatchSize 1).TotalRecords | Should -Be 2
            Get-HeartRateCount | Should -Be 40
        }

        It 'takes no blank reason, no -Status beside -Legacy, and no user whom nobody knows' {
            Assert-EtlError (Get-FirstError { Invoke-DataRecovery -Reason ' ' -ReportPath $folder -ErrorAction Stop }) ReasonEmpty InvalidArgument
            Assert-EtlError (Get-FirstError { Invoke-DataRecovery -Legacy -Status processed -ReportPath $folder -ErrorAction Stop }) LegacyStatusFixed InvalidArgument
            Assert-EtlError (Get-FirstError { Invoke-DataRecovery -UserId ([guid]::NewGuid()) -ReportPath $folder -ErrorAction Stop }) IngestionUserNotFound ObjectNotFound
            Get-HeartRateCount | Should -Be 20
        }

        It 'says how many of those named it leaves out' {
            $report = Find-LostData | Invoke-DataRecovery -Status error -ReportPath $folder -WarningVariable warnings -WarningAction SilentlyContinue
            $report.TotalRecords | Should -Be 2
            $warnings | Should -Match '^2 ingestions of those named left out'
        }

        It 'shows its report' {
            $shown = Invoke-DataRecovery -ReportPath $folder | Out-String -Width 200
            $shown | Should -Match '10 recovered'
            $shown | Should -Match 'public.heart_rate_metrics'
        }

        It 'keeps to the batch sizes of the environment, and refuses an impossible one with the safe value' {
            $env:BATCH_HEART_RATE_CHUNK_SIZE = '6000'
            try {
                $failure = Get-FirstError { Invoke-DataRecovery -ReportPath $folder -ErrorAction Stop }
                Assert-EtlError $failure ChunkSizeTooLarge
                $failure.ErrorDetails.RecommendedAction | Should -Match '\b5957\b|\b5461\b'
                $env:BATCH_HEART_RATE_CHUNK_SIZE = '5242'
                $env:RECOVERY_VERIFICATION_ENABLED = 'false'
                (Invoke-DataRecovery -ReportPath $folder -PassThru).IsVerified | Should -Be $false, $false
                $env:RECOVERY_BATCH_SIZE = 'many'
                Assert-EtlError (Get-FirstError { Invoke-DataRecovery -ReportPath $folder -ErrorAction Stop }) EnvironmentInvalid
            }
            finally {
                Remove-Item Env:BATCH_HEART_RATE_CHUNK_SIZE, Env:RECOVERY_VERIFICATION_ENABLED, Env:RECOVERY_BATCH_SIZE -ErrorAction Ignore
            }
        }

        It 'changes nothing where something is wrong with what it was given' {
            Assert-EtlError (Get-FirstError { Invoke-DataRecovery -ReportPath (Join-Path $folder no/such) -ErrorAction Stop }) ReportPathInvalid InvalidArgument
            Assert-EtlError (Get-FirstError { Invoke-DataRecovery ([guid]::NewGuid()) -ReportPath $folder -ErrorAction Stop }) IngestionNotFound ObjectNotFound
            Get-HeartRateCount | Should -Be 20
        }
    }
}

Describe 'What finding and recovering shows' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $connection = New-TestDatabase
        Connect-EtlDatabase $connection -WarningAction Ignore
        Initialize-EtlDatabase | Out-Null

        # Numbers, words and names as long as they come.
        Invoke-TestSql $connection ((Get-Content -Raw "$PSScriptRoot/../environment/HealthExport/schema.sql") + @'
INSERT INTO users (id, email) VALUES ('10000000-0000-4000-8000-000000000000', 'a@example.org');
INSERT INTO raw_ingestions (user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, created_at)
SELECT '10000000-0000-4000-8000-000000000000', 'x', 1000, payload::jsonb, status, now() - interval '3 hours'
FROM (VALUES ('{"large_payload": true}', 'partial_success'),
             ('{"data": {"metrics": [{"type": "HeartRate", "recorded_at": "2025-09-01T00:00:00Z", "heart_rate": 60}, {"type": "Planted-Name"},
                {"type": "HeartRate", "recorded_at": "no date", "heart_rate": 60}, {"type": "Environmental", "recorded_at": "2025-09-01T00:00:00Z", "uv_index": 3}]}}', 'processed')) p (payload, status);
'@) | Out-Null
        $lost = Find-LostData
        $plan = $lost | Invoke-DataRecovery -WhatIf -WarningAction Ignore

        # Every line fits, and neither a title nor a value is cut or broken in two.
        function Assert-Fitting([string] $text, [int] $width) {
            $lines = $text -split '\r?\n' -replace '\x1b\[[0-9;]*m'
            $lines.Length | Should -BeGreaterThan 2
            $lines | Where-Object Length -gt $width | Should -BeNullOrEmpty
            $lines -match '\u2026' | Should -BeNullOrEmpty
            @($lines | Where-Object { $_ })[1] | Should -Match '^[- ]+$' -Because 'a title takes one line'
        }
    }
    AfterAll {
        Disconnect-EtlDatabase -ErrorAction Ignore
        Remove-TestDatabase $connection
    }

    It 'fits <Width> columns: <Name>' -ForEach @(
        foreach ($width in 79, 80, 119, 120, 200) {
            @{ Width = $width; Name = 'losses'; Of = { $lost } }
            @{ Width = $width; Name = 'their tables'; Of = { $lost.Table } }
            @{ Width = $width; Name = 'their problems'; Of = { $lost.Problem } }
            @{ Width = $width; Name = 'recoveries'; Of = { $plan.Record } }
            @{ Width = $width; Name = 'their tables'; Of = { $plan.Table } }
            @{ Width = $width; Name = 'users'; Of = { $plan.User } }
        }
    ) {
        $shown = & $Of | Out-String -Width $Width
        Assert-Fitting $shown $Width
        $shown | Should -Not -Match 'Planted-Name'
    }

    It 'has what is needed most at 80 columns, and more where there is room' {
        $narrow = $lost | Out-String -Width 80
        $narrow | Should -Match 'RawIngestionId +Missing +Loss +Cause +Fixable'
        $narrow | Should -Match "$($lost[0].RawIngestionId)"
        $narrow | Should -Match ' - +- UnrecoverableStub +no'
        $lost | Out-String -Width 120 | Should -Match 'Fixable Status +Created \(local\) +Reject'
        $lost.Problem | Out-String -Width 80 | Should -Match '\(unknown type\) +UnknownType'
    }

    It 'says in a line what each part has to say' {
        "$($lost.Table)" | Should -Be 'public.heart_rate_metrics: 1 of 1 missing public.environmental_metrics: 1 of 1 missing'
        "$($plan.Table[0])" | Should -Be 'public.environmental_metrics: 1 recovered, 0 completed, 0 refused'
        "$($lost.Problem)" | Should -Match '\(unknown type\) UnknownType: 1'
    }

    It 'has a report that fits 80 columns' {
        $lines = ($plan | Out-String -Width 80) -split '\r?\n'
        $lines | Where-Object Length -gt 80 | Should -BeNullOrEmpty
        $lines -match '^ +: |^\S[^:]*: *$' | Should -BeNullOrEmpty -Because 'nothing is shown that says nothing'
        $lines -match 'Causes +: SilentDataLoss: 1$' | Should -HaveCount 1
    }
}

Describe 'The sample in docs/samples' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $connection = New-TestDatabase
        Connect-EtlDatabase $connection -WarningAction Ignore
        Initialize-EtlDatabase | Out-Null
        Invoke-TestSql $connection (Get-Content -Raw "$PSScriptRoot/../../docs/samples/health-export.sql") | Out-Null
    }
    AfterAll {
        Disconnect-EtlDatabase -ErrorAction Ignore
        Remove-TestDatabase $connection
    }

    It 'loses what README shows, and gets it back' {
        $lost = Find-LostData -Schema health_sample
        $readme = Get-Content -Raw "$PSScriptRoot/../../README.md"
        foreach ($line in ($lost | Out-String -Width 80) -split '\r?\n' -replace '\x1b\[[0-9;]*m' | ForEach-Object TrimEnd | Where-Object { $_ }) {
            $readme | Should -Match ([regex]::Escape($line))
        }

        $plan = $lost | Invoke-DataRecovery -Schema health_sample -WhatIf -WarningAction Ignore
        $plan.TotalMetricsRecovered | Should -Be 430
        $plan.TotalMetricsMissing | Should -Be 0
    }
}

Describe 'A Health Export database without the ledger' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $connection = New-TestDatabase
        Connect-EtlDatabase $connection -WarningAction Ignore
        Invoke-TestSql $connection (Get-Content -Raw "$PSScriptRoot/../environment/HealthExport/schema.sql") | Out-Null
    }
    AfterAll {
        Disconnect-EtlDatabase -ErrorAction Ignore
        Remove-TestDatabase $connection
    }

    It 'can be audited; recovery asks for Initialize-EtlDatabase, which makes the ledger and nothing else' {
        Find-LostData | Should -BeNullOrEmpty
        $missing = Get-FirstError { Invoke-DataRecovery -WhatIf -ErrorAction Stop }
        Assert-EtlError $missing SchemaMissing
        $missing.ErrorDetails.RecommendedAction | Should -Match 'Initialize-EtlDatabase: without a pipeline it makes the ledger'
        Initialize-EtlDatabase | Out-Null
        (Invoke-TestSql $connection "SELECT count(*)::integer AS n FROM pg_namespace WHERE nspname IN ('raw', 'stg')").n | Should -Be 0
        (Invoke-DataRecovery -WhatIf).TotalRecords | Should -Be 0
    }
}
