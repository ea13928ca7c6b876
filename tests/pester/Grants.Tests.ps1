# A role with exactly the grants that about_EtlTools_Grants lists can run the commands that it lists them for.
BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'A user who was granted what the help says' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene -Uninitialized
        $database = ($scene.Connection -split ';' -match '^Database=') -replace '^Database='
        $suffix = "_test_$([guid]::NewGuid().ToString('n').Substring(0, 8))"
        $topic = Get-Content -Raw (Join-Path (Split-Path (Get-ModulePath)) 'en-US/about_EtlTools_Grants.help.txt')

        # The statements that the topic has for a role, with names of this test in the place of its examples.
        function Get-Grant([string] $role) {
            $section = [regex]::Match($topic, "(?ms)^  $role\r?\n(?<text>.*?)^(  |)\S").Groups['text'].Value
            [regex]::Matches($section, '(?m)^        (?<sql>GRANT .*;)').ForEach{ $_.Groups['sql'].Value } |
                ForEach-Object { $_ -replace '\betl_(owner|reader|recovery)\b', "`$0$suffix" -replace 'DATABASE ingest', "DATABASE `"$database`"" }
        }

        function Connect-As([string] $role) {
            Connect-EtlDatabase "$($scene.Connection);Options=-c role=$role$suffix" -Pipeline $scene.Pipeline -WarningAction Ignore
        }

        $roles = 'etl_owner', 'etl_recovery', 'etl_reader'
        Get-Grant etl_owner | Should -HaveCount 2
        Invoke-TestSql $scene.Connection (-join @($roles | ForEach-Object { "CREATE ROLE $_$suffix;" }; Get-Grant etl_owner)) | Out-Null
        Connect-As etl_owner
        Initialize-EtlDatabase | Out-Null
        $grants = $roles[1, 2] | ForEach-Object { Get-Grant $_ } | Where-Object { $_ -notmatch 'ingestion_audits.*etl_reader' }
        Invoke-TestSql $scene.Connection ((Get-Content -Raw "$PSScriptRoot/../environment/HealthExport/schema.sql") + @'
INSERT INTO users (id, email) VALUES ('10000000-0000-4000-8000-000000000000', 'a@example.org');
INSERT INTO raw_ingestions (user_id, payload_hash, payload_size_bytes, raw_payload, processing_status, created_at)
VALUES ('10000000-0000-4000-8000-000000000000', 'x', 100, jsonb_build_object('data', jsonb_build_object('workouts', '[]'::jsonb, 'metrics',
    '[{"type": "HeartRate", "recorded_at": "2025-09-01T00:00:00Z", "heart_rate": 60}, {"type": "HeartRate", "recorded_at": "2025-09-01T00:01:00Z", "heart_rate": 61, "context": "resting"},
      {"type": "BloodGlucose", "recorded_at": "2025-09-01T00:00:00Z", "blood_glucose_mg_dl": 95, "glucose_source": "finger"}]'::jsonb)), 'error', now() - interval '3 hours');
INSERT INTO heart_rate_metrics (user_id, recorded_at, heart_rate) VALUES ('10000000-0000-4000-8000-000000000000', '2025-09-01T00:01:00Z', 61);
'@ + -join $grants) | Out-Null
    }
    AfterAll {
        Disconnect-EtlDatabase -ErrorAction Ignore
        Invoke-TestSql $scene.Connection (-join ($roles | ForEach-Object { "DROP OWNED BY $_$suffix CASCADE; DROP ROLE $_$suffix;" })) | Out-Null
        Remove-Scene $scene
    }
    BeforeEach { $ErrorActionPreference = 'Stop' }

    It 'as owner loads, stops, reprocesses, undoes, repairs and checks' {
        Connect-As etl_owner
        Add-PracticeFile $scene 2026-01-01 | Out-Null
        Add-PatientFile $scene 2026-01-01 -Line '11,1,Aroha,no date' | Out-Null
        $run = Start-LoadRun
        $run.Status | Should -Be Completed
        $run | Invoke-Reprocess -Reason x -WhatIf | Should -Not -BeNullOrEmpty
        $receipts = $run | Get-LoadFile -ExtractType patient | Invoke-Reprocess -Reason x -PassThru
        Get-RejectedRow -Stage Staging | Repair-RejectedRow -Value @{ born = '1980-02-28' } -Reason x | Out-Null
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM stg.patients').n | Should -Be 11
        $receipts | Undo-Reprocess -Reason x -Confirm:$false -ErrorAction SilentlyContinue | Out-Null
        (Test-StagingIntegrity).IsConsistent | Should -Not -Contain $false
        Invoke-TestSql $scene.Connection "INSERT INTO etl.load_runs (load_run_id, kind, status, triggered_by, started_at) VALUES ('30000000-0000-4000-8000-000000000000', 'load', 'running', 'manual', now() - interval '5 hours')" | Out-Null
        (Get-LoadRun -Problem Stuck | Stop-LoadRun -Reason x).Status | Should -Be Failed
        Get-ProcessingHealth | Should -Not -BeNullOrEmpty
    }

    It 'as reader looks at everything' {
        Connect-As etl_reader
        Set-Content "$($scene.Folder)/etl.yaml" "sources:`n  practice:`n    host: localhost`n    database: practice`n    tables: tables.yaml"
        Set-Content "$($scene.Folder)/tables.yaml" "format: etltools-1`ntables:`n  patient:`n    importance: critical"
        Push-Location $scene.Folder
        $looking = {
            Get-LoadRun; Get-LoadRun -Problem Failed, Stuck, LowQuality; Get-LoadFile; Get-RejectedRow; Get-LoadPlan; Find-NewFile; Find-FailedFile
            Get-ReprocessMetric; Get-ProcessingHealth; Get-TableSync; Get-TableStatus; Start-LoadRun -WhatIf
            Export-ProcessingHealth -Path (Join-Path $scene.Folder health.json)
        }
        try { { & $looking } | Should -Not -Throw } finally { Pop-Location }
        Test-ProcessingHealth | Should -BeOfType bool
        (Find-LostData).Missing | Should -Be 2
        (Invoke-TestSql $scene.Connection 'SELECT count(*)::integer AS n FROM etl.ingestion_audits').n | Should -Be 0
        Assert-EtlError (Get-FirstError { Invoke-DataRecovery -WhatIf }) PermissionDenied

        Invoke-TestSql $scene.Connection ((Get-Grant etl_reader) -match 'ingestion_audits')[0] | Out-Null
        Find-LostData | Out-Null
        (Invoke-TestSql $scene.Connection 'SELECT count(*)::integer AS n FROM etl.ingestion_audits').n | Should -Be 1
    }

    It 'as recovery role finds and recovers; a table without rights is named, and the rest goes on' {
        Connect-As etl_recovery
        $lost = Find-LostData -WarningVariable warnings -WarningAction SilentlyContinue
        $lost.Missing | Should -Be 1
        $warnings | Should -Match 'SELECT from public\.blood_glucose_metrics'
        $report = $lost | Invoke-DataRecovery -ReportPath $scene.Folder -WarningVariable warnings -WarningAction SilentlyContinue
        $report.TotalMetricsRecovered | Should -Be 1
        $report.TotalMetricsCompleted | Should -Be 1
        @($warnings) -match 'blood_glucose_metrics: .* right to SELECT; 1 metric could not be taken' | Should -HaveCount 1

        $grant = (Get-Grant etl_recovery) -match 'heart_rate_metrics'
        Invoke-TestSql $scene.Connection ($grant -replace 'heart_rate_metrics', 'blood_glucose_metrics')[0] | Out-Null
        $report = Find-LostData | Invoke-DataRecovery -ReportPath $scene.Folder
        $report.Record.Outcome | Should -Be Recovered
    }
}
