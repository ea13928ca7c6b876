BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Completion' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Add-PatientFile $scene 2026-01-01
        $run = Start-LoadRun

        function Get-Completion([string] $line) {
            (TabExpansion2 $line -cursorColumn $line.Length).CompletionMatches.CompletionText
        }

        # A first call pays for loading code, and completion does not wait for that.
        Get-Completion 'Get-LoadRun -LoadRunId ' | Out-Null
    }
    AfterAll { Remove-Scene $scene }

    It 'offers run ids' {
        Get-Completion 'Get-LoadFile -LoadRunId ' | Should -Contain "$($run.LoadRunId)"
        Get-Completion "Invoke-Reprocess $("$($run.LoadRunId)".Substring(0, 6))" | Should -Be "$($run.LoadRunId)"
        Get-Completion 'Invoke-Reprocess zzz' | Should -Not -Contain "$($run.LoadRunId)"
    }

    It 'offers to stop what runs, and nothing that has ended' {
        Invoke-TestSql $scene.Connection @'
INSERT INTO etl.load_runs (load_run_id, status, triggered_by, lease_key, started_at)
VALUES ('11111111-1111-1111-1111-111111111111', 'running', 'manual', 424242, now() - interval '10 days');
'@ | Out-Null
        Get-Completion 'Stop-LoadRun ' | Should -Be '11111111-1111-1111-1111-111111111111'
    }

    It 'offers extract types of the pipeline in use, or of the one on the line' {
        Get-Completion 'Find-NewFile -ExtractType ' | Should -Be practice, patient
        Get-Completion 'Find-NewFile -Pipeline indici -ExtractType Pat' | Should -Be Patient, PatientAlerts
    }

    It 'offers pipelines' {
        Get-Completion 'Initialize-EtlDatabase -Pipeline in' | Should -Contain indici
    }

    It 'offers profiles' {
        $file = Join-Path $scene.Folder etl.yaml
        Set-Content $file "profiles:`n  north: {host: a}`n  south: {host: b}"
        Get-Completion "Connect-EtlDatabase -ConfigurationFile '$file' -Profile " | Should -Be north, south
    }

    It 'offers the profiles of the folder that the session is in' {
        Push-Location (New-Item -ItemType Directory (Join-Path $scene.Folder here))
        try {
            Set-Content etl.yaml "profiles:`n  east: {host: a}"
            Get-Completion 'Connect-EtlDatabase -Profile ' | Should -Be east
        }
        finally {
            Pop-Location
        }
    }

    It 'offers the values of enums' {
        Get-Completion 'Get-LoadRun -Problem ' | Should -Be Failed, LowQuality, Stuck
    }

    It 'offers nothing, and fails with nothing, where nothing can be asked' {
        $Error.Clear()
        Get-Completion "Get-LoadRun -Connection 'Host=127.0.0.1;Port=9' -LoadRunId x" | Where-Object { $_ -match '^[0-9a-f-]{36}$' } | Should -BeNullOrEmpty
        Get-Completion 'Find-NewFile -Pipeline nosuch -ExtractType q' | Where-Object { $_ -eq 'patient' } | Should -BeNullOrEmpty
        $Error | Should -BeNullOrEmpty
    }
}
