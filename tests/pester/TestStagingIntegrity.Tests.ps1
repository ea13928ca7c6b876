BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Test-StagingIntegrity and Get-ReprocessMetric' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Add-PracticeFile $scene 2026-01-01
        Add-PatientFile $scene 2026-01-01
        $run = Start-LoadRun
    }
    AfterAll { Remove-Scene $scene }

    Context 'Test-StagingIntegrity' {
        It 'says yes for every table where staging is what raw says' {
            $results = Test-StagingIntegrity
            $results.Table | Should -Be stg.practices, stg.patients
            $results.IsIntact | Should -Be $true, $true
            ($results | Where-Object ExtractType -eq patient).Rows | Should -Be 10
        }

        It 'counts what is missing, extra and different' {
            Invoke-TestSql $scene.Connection @'
DELETE FROM stg.patients WHERE patient_id = 1;
UPDATE stg.patients SET name = 'Tampered' WHERE patient_id IN (2, 3);
'@
            $result = Test-StagingIntegrity patient
            $result.IsIntact | Should -BeFalse
            $result.Missing | Should -Be 1
            $result.Extra | Should -Be 0
            $result.Different | Should -Be 2
            $result.DifferentColumn | Should -HaveCount 1
            $result.DifferentColumn[0].Column | Should -Be name
            $result.DifferentColumn[0].Rows | Should -Be 2
            $run | Invoke-Reprocess -SkipRaw -Reason 'staging was edited by hand'
            (Test-StagingIntegrity patient).IsIntact | Should -BeTrue
        }

        It 'takes the types of a run from the pipeline, and goes on after one that is not known' {
            @($run | Test-StagingIntegrity) | Should -HaveCount 2
            $results = 'patient', 'nosuch', 'practice' | Test-StagingIntegrity -ErrorVariable failures -ErrorAction SilentlyContinue
            $results.ExtractType | Should -Be patient, practice
            Assert-EtlError $failures[0] ExtractTypeUnknown
        }
    }

    Context 'Get-ReprocessMetric' {
        It 'counts runs by reason, type and hour' {
            $run | Invoke-Reprocess -Reason 'a reason to count'
            $metric = Get-ReprocessMetric
            $metric | Out-String -Width 120 | Should -Match 'ReprocessingFrequency\s+: not told: .+ less than a day'
            $metric.TotalReprocessingRuns | Should -BeGreaterThan 0
            $metric.SuccessRate | Should -Be 1
            $metric.ByReason['a reason to count'] | Should -Be 1
            $metric.ByExtractType.Keys | Should -Contain patient
            ($metric.ByHour.Values | Measure-Object -Sum).Sum | Should -Be $metric.TotalReprocessingRuns
            ($metric | ConvertTo-Json | ConvertFrom-Json).ByReason.'a reason to count' | Should -Be 1
        }

        It 'keeps to the time given' {
            Assert-EtlError (Get-FirstError { Get-ReprocessMetric -Since ([datetimeoffset]::Now.AddDays(1)) }) SinceInFuture InvalidArgument
            (Get-ReprocessMetric -Since 90m).Since | Should -BeLessThan ([datetimeoffset]::Now.AddMinutes(-89))
        }
    }
}
