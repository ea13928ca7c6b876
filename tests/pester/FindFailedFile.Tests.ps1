BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Find-FailedFile' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Add-BrokenFile $scene 2026-01-01
        Add-BrokenFile $scene 2026-01-02
        Add-PatientFile $scene 2026-01-03
        Start-LoadRun -ErrorAction Ignore | Out-Null
    }
    AfterAll { Remove-Scene $scene }

    It 'finds what failed, and nothing else' {
        $failed = Find-FailedFile
        $failed.FileName | Should -Be 'patient_202601010000.csv', 'patient_202601020000.csv'
        $failed.State | Should -Be Failed, Failed
        $failed.ErrorCode | Should -Not -BeNullOrEmpty
        $failed[0].Attempts | Should -Be 1
        $failed[0].NextTryAt | Should -BeGreaterOrEqual $failed[0].LastAttemptAt
    }

    It 'keeps to type, dates, number and age' {
        Find-FailedFile -ExtractType practice | Should -BeNullOrEmpty
        (Find-FailedFile -From 2026-01-02).FileName | Should -Be 'patient_202601020000.csv'
        @(Find-FailedFile -First 1) | Should -HaveCount 1
        Find-FailedFile -MaxAge 0 | Should -BeNullOrEmpty
        @(Find-FailedFile -MaxAge 24h) | Should -HaveCount 2
    }

    It 'takes types from the pipeline, and goes on after one that is not known' {
        $found = 'patient', 'nosuch', 'practice', 'patient' | Find-FailedFile -First 1 -ErrorVariable failures -ErrorAction SilentlyContinue
        @($found) | Should -HaveCount 2
        $failures | Should -HaveCount 1
        Assert-EtlError $failures[0] ExtractTypeUnknown InvalidArgument
    }

    It 'finds files left behind by a run that is dead' {
        $connection = $scene.Connection
        Invoke-TestSql $connection @'
INSERT INTO etl.load_runs (load_run_id, status, triggered_by, lease_key) VALUES ('11111111-1111-1111-1111-111111111111', 'running', 'manual', 424242);
INSERT INTO etl.load_run_files (load_run_id, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extract_type, per_org_id, practice_id, status, pipeline, extracted_at)
VALUES ('11111111-1111-1111-1111-111111111111', 'x', 'patient_202512010000.csv', '', 'hash', '202512010000', 'patient', '', '', 'processing', 'clinic', '2025-12-01');
'@
        (Find-FailedFile | Where-Object State -eq LeftBehind).FileName | Should -Be 'patient_202512010000.csv'
    }
}
