# What every command that changes the database does with -WhatIf: it returns its plan as an object, and changes nothing.
BeforeDiscovery {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
    Import-Module (Get-ModulePath) -Force

    # Those on tables need a source database; SyncTable.Tests.ps1 previews them.
    $changing = Get-Command -Module EtlTools | Where-Object Verb -notin Find, Get, Test, Connect, Disconnect, Export |
        Where-Object Noun -notlike Table* | Sort-Object Name | ForEach-Object { @{ Name = $_.Name } }
}

Describe 'A preview' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Invoke-TestSql $scene.Connection (Get-Content -Raw "$PSScriptRoot/../environment/HealthExport/schema.sql") | Out-Null
        Add-PatientFile $scene 2026-01-01 -Line '11,1,Aroha,no date' | Out-Null
        $run = Start-LoadRun
        $receipt = $run | Invoke-Reprocess -Reason x -PassThru
        Add-PracticeFile $scene 2026-01-02 | Out-Null
        Invoke-TestSql $scene.Connection @'
INSERT INTO etl.load_runs (load_run_id, status, triggered_by, lease_key, started_at)
VALUES ('11111111-1111-1111-1111-111111111111', 'running', 'manual', 424242, now() - interval '10 days');
'@ | Out-Null

        # A command that is missing here fails: say how it is previewed.
        $previews = @{
            'Initialize-EtlDatabase' = { Initialize-EtlDatabase -WhatIf }
            'Invoke-DataRecovery'    = { Invoke-DataRecovery -WhatIf }
            'Invoke-Reprocess'       = { $run | Invoke-Reprocess -Reason x -WhatIf }
            'Repair-RejectedRow'     = { Get-RejectedRow -Stage Staging | Repair-RejectedRow -Value @{ born = '1980-02-28' } -Reason x -WhatIf }
            'Start-LoadRun'          = { Start-LoadRun -WhatIf }
            'Stop-LoadRun'           = { Stop-LoadRun 11111111-1111-1111-1111-111111111111 -Reason x -WhatIf }
            'Undo-Reprocess'         = { $receipt | Undo-Reprocess -Reason x -WhatIf }
        }

        # Something to do for Initialize-EtlDatabase.
        Invoke-TestSql $scene.Connection 'DROP VIEW raw.patients_history' | Out-Null

        function Get-Everything {
            Invoke-TestSql $scene.Connection @'
SELECT string_agg(format('%I.%I %s', table_schema, table_name, (xpath('/row/t/text()', query_to_xml(
    format('SELECT count(*) || coalesce(md5(string_agg(x::text, $$,$$ ORDER BY x::text)), $$$$) AS t FROM %I.%I x', table_schema, table_name),
    false, true, '')))[1]), E'\n' ORDER BY 1) AS everything
FROM information_schema.tables WHERE table_schema IN ('etl', 'raw', 'raw_segments', 'stg', 'public') AND table_type = 'BASE TABLE'
'@ | ForEach-Object everything
        }
        $before = Get-Everything
    }
    AfterAll { Remove-Scene $scene }

    It 'of <Name> is an object that says what would be done' -ForEach $changing {
        $previews.Keys | Should -Contain $Name
        $plan = & $previews[$Name]
        $plan | Should -Not -BeNullOrEmpty
        $plan | ForEach-Object { $_.PSTypeNames -like 'EtlTools.Core.*' | Should -Not -BeNullOrEmpty }
    }

    It 'has changed nothing' {
        $before | Should -Match 'stg\.patients'
        Get-Everything | Should -Be $before
    }
}
