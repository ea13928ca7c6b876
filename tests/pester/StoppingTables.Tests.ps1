# Ctrl+C while a source does not answer.
BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Stopping what reads a source' -Skip:(-not (Test-MariaDbServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-TableScene @'
CREATE TABLE patient (PatNum bigint AUTO_INCREMENT PRIMARY KEY, LName varchar(100), DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp());
INSERT INTO patient (LName) SELECT CONCAT('Planted-', seq) FROM seq_1_to_500;
'@
        New-TableConfig -Source practice | Out-Null
        Sync-Table -Source practice | Out-Null

        # Holds the table at its source for a minute, or until Stop-Holding.
        function Start-Holding {
            $holder = [powershell]::Create()
            $null = $holder.AddScript({
                param($support, $source)
                Import-Module $support
                Invoke-SourceTestSql $source 'LOCK TABLES patient WRITE; SELECT SLEEP(60)'
            }).AddArgument("$PSScriptRoot/Support/TestEnvironment.psm1").AddArgument($scene.Source)
            $null = $holder.BeginInvoke()
            Wait-Source "info LIKE 'SELECT SLEEP(60)%'"
            $holder
        }

        function Stop-Holding($holder) {
            Invoke-SourceTestSql $scene.Source "SELECT CONCAT('KILL ', id) INTO @sql FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(60)%' AND id <> CONNECTION_ID() LIMIT 1; EXECUTE IMMEDIATE @sql" | Out-Null
            $holder.Dispose()
        }

        function Wait-Source([string] $condition) {
            foreach ($try in 1..60) {
                if ([int] (Invoke-SourceTestSql $scene.Source "SELECT COUNT(*) FROM information_schema.processlist WHERE $condition AND id <> CONNECTION_ID()")) { return }
                Start-Sleep -Milliseconds 250
            }
            throw "Never true: $condition"
        }
    }
    AfterAll { Remove-TableScene $scene }

    It 'ends <_>' -ForEach 'Sync-Table', 'Compare-Table', 'New-TableConfig' {
        $before = Get-Content -Raw "$($scene.Folder)/tables.yaml"
        $holder = Start-Holding
        try {
            $shell = [powershell]::Create()
            $null = $shell.AddScript({
                param($module, $connection, $command)
                Import-Module $module
                Connect-EtlDatabase $connection
                & $command -Source practice
            }).AddArgument((Get-ModulePath)).AddArgument($scene.Connection).AddArgument($_)
            $null = $shell.BeginInvoke()
            Wait-Source "state LIKE 'Waiting for table%'"

            # Far less than the minute that the table is held: the command ended because it was told to.
            $shell.BeginStop($null, $null).AsyncWaitHandle.WaitOne([timespan]::FromSeconds(20)) | Should -BeTrue
            $shell.InvocationStateInfo.State | Should -Be Stopped
            $shell.Dispose()
        }
        finally {
            Stop-Holding $holder
        }

        Get-Content -Raw "$($scene.Folder)/tables.yaml" | Should -Be $before
        (Get-TableStatus -Source practice).ErrorCode | Should -BeIn $null, SyncCancelled
        (Sync-Table -Source practice).Status | Should -Be Completed
        (Compare-Table -Source practice).IsEqual | Should -BeTrue
    }
}
