BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Initialize-EtlDatabase' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll { Import-Module "$PSScriptRoot/Support/Scene.psm1" }
    BeforeEach { $scene = New-Scene -Uninitialized }
    AfterEach { Remove-Scene $scene }

    It 'lists the steps and takes none with -WhatIf' {
        $steps = Initialize-EtlDatabase -WhatIf
        $steps.Status | Should -Not -Contain Applied
        $steps.Kind | Should -Contain Migration
        $steps.Target | Should -Contain raw.patients
        $steps.Target | Should -Contain raw.patients_history
        (Connect-EtlDatabase $scene.Connection -PassThru -WarningAction Ignore).Schema | Should -Be NotInitialized
    }

    It 'creates ledger and tables, and has nothing to do the second time' {
        $planned = Initialize-EtlDatabase -WhatIf
        $steps = Initialize-EtlDatabase
        $steps.Target | Should -Be $planned.Target
        $steps.Status | Should -Not -Contain Pending
        $steps.Target | Should -Contain stg.patients
        Initialize-EtlDatabase -InformationVariable told 6> $null | Should -BeNullOrEmpty
        $told | Should -Match '^Nothing to do: the ledger and the tables of clinic are up to date in '
        (Connect-EtlDatabase $scene.Connection -PassThru).Schema | Should -Be Current
    }

    It 'creates the ledger only where no pipeline is named' {
        Connect-EtlDatabase $scene.Connection -WarningAction Ignore
        (Initialize-EtlDatabase).Target | Should -Not -Contain raw.patients
    }

    It 'takes pipelines from the pipe, and goes on after one that is not there' {
        $steps = $scene.Pipeline, 'nosuch', 'omop' | Initialize-EtlDatabase -ErrorVariable failures -ErrorAction SilentlyContinue
        $steps.Target | Should -Contain raw.patients
        $steps.Target | Should -Contain raw.person
        $failures | Should -HaveCount 1
        Assert-EtlError $failures[0] PipelineNotFound
    }

    It 'refuses a user without the right to create' {
        $name = "reader_$([guid]::NewGuid().ToString('n'))"
        Invoke-TestSql $scene.Connection "CREATE ROLE $name LOGIN PASSWORD 'none'"
        try {
            $parts = [System.Data.Common.DbConnectionStringBuilder]@{ ConnectionString = $scene.Connection }
            $parts.Username, $parts.Password = $name, 'none'
            Assert-EtlError (Get-FirstError { Initialize-EtlDatabase -Connection $parts.ConnectionString }) PermissionDenied PermissionDenied
        }
        finally {
            Invoke-TestSql $scene.Connection "DROP ROLE $name"
        }
    }
}
