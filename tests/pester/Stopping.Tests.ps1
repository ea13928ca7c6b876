# Ctrl+C, and a pipeline that has had enough.
BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Stopping' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene

        # Begins a command in a runspace of its own, while a lock holds it up.
        function Start-Held([string] $table, [string] $command) {
            $holder = [powershell]::Create()
            $null = $holder.AddScript({
                param($support, $connection, $table)
                Import-Module $support
                Invoke-TestSql $connection "BEGIN; LOCK TABLE $table IN ACCESS EXCLUSIVE MODE; SELECT 1 AS held, pg_sleep(60); COMMIT"
            }).AddArgument("$PSScriptRoot/Support/TestEnvironment.psm1").AddArgument($scene.Connection).AddArgument($table)
            $null = $holder.BeginInvoke()
            Wait-Sql "SELECT count(*) > 0 AS yes FROM pg_locks WHERE relation = '$table'::regclass AND mode = 'AccessExclusiveLock' AND granted"

            $shell = [powershell]::Create()
            $null = $shell.AddScript({
                param($module, $connection, $pipeline, $command)
                Import-Module $module
                Connect-EtlDatabase $connection -Pipeline $pipeline
                & ([scriptblock]::Create($command))
            }).AddArgument((Get-ModulePath)).AddArgument($scene.Connection).AddArgument($scene.Pipeline).AddArgument($command)
            $running = $shell.BeginInvoke()
            Wait-Sql "SELECT count(*) > 0 AS yes FROM pg_locks WHERE relation = '$table'::regclass AND NOT granted"
            @{ Shell = $shell; Running = $running; Holder = $holder }
        }

        function Wait-Sql([string] $sql) {
            foreach ($try in 1..60) {
                if ((Invoke-TestSql $scene.Connection $sql).yes) { return }
                Start-Sleep -Milliseconds 250
            }
            throw "Never true: $sql"
        }

        function Stop-Held($held) {
            # Far less than the minute that the lock is held: the command ended because it was told to.
            $stopping = $held.Shell.BeginStop($null, $null)
            $stopping.AsyncWaitHandle.WaitOne([timespan]::FromSeconds(20)) | Should -BeTrue
            $held.Shell.InvocationStateInfo.State | Should -Be Stopped
            Remove-Held $held
        }

        function Remove-Held($held) {
            $held.Shell.Dispose()
            Invoke-TestSql $scene.Connection "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()" | Out-Null
            $held.Holder.Dispose()
        }
    }
    BeforeEach { Reset-Scene $scene }
    AfterAll { Remove-Scene $scene }

    It 'ends <Command>' -ForEach @(
        @{ Command = 'Get-LoadRun'; Table = 'etl.load_runs' }
        @{ Command = 'Find-NewFile'; Table = 'etl.load_run_files' }
        @{ Command = 'Test-StagingIntegrity'; Table = 'stg.patients' }
    ) {
        Add-PatientFile $scene 2026-01-01
        Stop-Held (Start-Held $Table $Command)
    }

    It 'ends a load, rolls the file back, and leaves a ledger that tells so' {
        Add-PatientFile $scene 2026-01-01
        Stop-Held (Start-Held stg.patients 'Start-LoadRun')
        Wait-Sql "SELECT count(*) > 0 AS yes FROM etl.load_runs WHERE status = 'cancelled'"
        (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM raw.patients').n | Should -Be 0
        (Start-LoadRun).RowsIngested | Should -Be 10
        (Test-StagingIntegrity).IsIntact | Should -Not -Contain $false
    }

    It 'ends a reprocess, and leaves what was there' {
        Add-PatientFile $scene 2026-01-01 -Name Before
        Start-LoadRun | Out-Null
        Add-PatientFile $scene 2026-01-01 -Name After
        Stop-Held (Start-Held stg.patients "Get-LoadRun | Invoke-Reprocess -Reason x")
        (Invoke-TestSql $scene.Connection 'SELECT DISTINCT name FROM stg.patients').name | Should -Be Before
        (Test-StagingIntegrity).IsIntact | Should -Not -Contain $false
    }

    It 'says of a reprocess that Stop-LoadRun ended what was not done' {
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun | Out-Null
        $held = Start-Held stg.patients 'Get-LoadRun | Invoke-Reprocess -Reason x'
        (Get-LoadRun -Status Running | Stop-LoadRun -Reason 'maintenance').Status | Should -Be Cancelled
        $held.Running.AsyncWaitHandle.WaitOne([timespan]::FromSeconds(20)) | Should -BeTrue
        $held.Shell.Streams.Warning | Should -HaveCount 1
        "$($held.Shell.Streams.Warning)" | Should -Match '^Not done: 1 file, because Stop-LoadRun ended the run'
        Remove-Held $held
    }

    It 'ends an audit and a recovery, and leaves the ingestion as it was' {
        Invoke-TestSql $scene.Connection (Get-Content -Raw "$PSScriptRoot/../environment/HealthExport/schema.sql") | Out-Null
        Invoke-TestSql $scene.Connection @'
INSERT INTO users (id, email) VALUES ('10000000-0000-4000-8000-000000000000', 'a@example.org');
INSERT INTO raw_ingestions (user_id, payload_hash, payload_size_bytes, processing_status, raw_payload)
VALUES ('10000000-0000-4000-8000-000000000000', '', 1, 'error', '{"data":{"metrics":[{"type":"HeartRate","recorded_at":"2025-09-01T00:00:00Z","heart_rate":60}]}}')
'@ | Out-Null
        Stop-Held (Start-Held public.heart_rate_metrics 'Find-LostData')
        Stop-Held (Start-Held public.heart_rate_metrics 'Invoke-DataRecovery -ReportPath ([System.IO.Path]::GetTempPath())')
        (Invoke-TestSql $scene.Connection 'SELECT processing_status FROM raw_ingestions').processing_status | Should -Be error
        (Invoke-TestSql $scene.Connection 'SELECT count(*)::integer AS n FROM heart_rate_metrics').n | Should -Be 0
        (Find-LostData).Missing | Should -Be 1
    }

    It 'gives the first object before the last is there, and stops asking when there are enough' {
        Invoke-TestSql $scene.Connection @'
INSERT INTO etl.load_runs (status, triggered_by) SELECT 'completed', 'manual' FROM generate_series(1, 5000)
'@
        Get-LoadRun | Select-Object -First 1 | Should -HaveCount 1
        @(Get-LoadRun) | Should -HaveCount 5000
    }
}
