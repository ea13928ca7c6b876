# Sync-Table, Get-TableStatus, Get-TableSync and Undo-TableSync as an admin uses them.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
    $skip = -not ((Test-PostgresServer) -and (Test-MariaDbServer))
}

BeforeAll {
    Import-Module "$PSScriptRoot/Support/Scene.psm1"
}

Describe 'Table sync' -Skip:$skip {
    BeforeAll {
        $scene = New-TableScene @'
CREATE TABLE patient (PatNum bigint AUTO_INCREMENT PRIMARY KEY, LName varchar(100) NOT NULL, DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp());
INSERT INTO patient (LName, DateTStamp) SELECT CONCAT('name ', seq), '2024-01-01 10:00:00' FROM seq_1_to_50;
CREATE TABLE appointment (AptNum bigint AUTO_INCREMENT PRIMARY KEY, PatNum bigint NOT NULL);
INSERT INTO appointment (PatNum) SELECT seq FROM seq_1_to_20;
CREATE TABLE securitylog (SecurityLogNum bigint AUTO_INCREMENT PRIMARY KEY, LogText text);
INSERT INTO securitylog (LogText) VALUES ('one'), ('two');
CREATE TABLE definition (DefNum int PRIMARY KEY);
'@
        Set-Content "$($scene.Folder)/tables.yaml" @'
format: etltools-1
tables:
  definition:
    importance: reference
  appointment:
    importance: critical
    dependencies: [patient]
  patient:
    importance: important
    strategy: incremental
    incremental_columns: [DateTStamp]
  securitylog:
    importance: audit
'@
    }

    AfterAll { Remove-TableScene $scene }

    It 'shows the plan in its order and changes nothing' {
        $plan = Sync-Table -WhatIf
        $plan.Name | Should -Be 'patient', 'appointment', 'securitylog', 'definition' -Because 'a table comes after those that it depends on'
        $plan.Mode | Sort-Object -Unique | Should -Be 'Full'
        Invoke-TestSql $scene.Connection "SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'raw'" | ForEach-Object n | Should -Be 0
        (Get-TableStatus).Condition | Sort-Object -Unique | Should -Be 'Pending'
    }

    It 'syncs what is named by importance' {
        $synced = Sync-Table -Importance Critical, Audit
        $synced.Name | Should -Be 'appointment', 'securitylog'
        $synced.Status | Sort-Object -Unique | Should -Be 'Completed'
        (Get-TableStatus -Condition Synced).Name | Should -Be 'appointment', 'securitylog'
        (Sync-Table appointment, securitylog -Full -WhatIf -WarningAction SilentlyContinue).Reason | Should -Be 'strategy full_table', 'strategy full_table; rows that the source no longer has stay'
    }

    It 'syncs everything, and again only what has changed' {
        @(Sync-Table) | Should -HaveCount 4
        Invoke-SourceTestSql $scene.Source "UPDATE patient SET LName = 'changed' WHERE PatNum = 7"
        $sync = 'patient' | Sync-Table
        $sync.Mode | Should -Be 'Incremental'
        $sync.RowsUpdated | Should -Be 1
        $sync.Verified | Should -Be 1
        $status = Get-TableStatus patient
        $status.Condition | Should -Be 'Synced'
        $status.RowsChanged | Should -Be 1
        $status.EstimatedDuration | Should -BeGreaterThan ([timespan]::Zero)
        ($status | Sync-Table).Name | Should -Be 'patient'
    }

    It 'undoes a sync, shows it before, and refuses audit tables' {
        Invoke-SourceTestSql $scene.Source "UPDATE patient SET LName = 'wrong' WHERE PatNum <= 10; INSERT INTO securitylog (LogText) VALUES ('three')"
        $synced = Sync-Table patient, securitylog
        $preview = $synced | Where-Object Name -eq patient | Undo-TableSync -Reason 'wrong' -WhatIf
        $preview.RowsUpdated | Should -Be 10
        $preview.Undone.TableSyncId | Should -Be ($synced | Where-Object Name -eq patient).TableSyncId
        $preview | Out-String -Width 140 | Should -Match "Preview: undo $($preview.Undone.TableSyncId)"
        Start-Transcript "$($scene.Folder)/said.txt" | Out-Null
        $synced | Where-Object Name -eq patient | Undo-TableSync -Reason 'wrong' -WhatIf | Out-Null
        Stop-Transcript | Out-Null
        Get-Content -Raw "$($scene.Folder)/said.txt" | Should -Match "What if: Undo: sync $($preview.Undone.TableSyncId) of patient \(Incremental at .*, 10 rows changed\)"
        { $synced | Select-Object -First 1 TableSyncRunId | Undo-TableSync -Reason 'wrong' -Confirm:$false } | Should -Throw -ErrorId 'AuditTableKept*'
        $undone = $synced | Where-Object Name -eq patient | Undo-TableSync -Reason 'wrong' -Confirm:$false
        $undone.Mode | Should -Be 'Undo'
        Invoke-TestSql $scene.Connection "SELECT count(*) AS n FROM raw.patient WHERE ""LName"" = 'wrong'" | ForEach-Object n | Should -Be 0
        (Sync-Table patient).RowsUpdated | Should -Be 10
    }

    It 'lists the syncs of a table, from which an admin picks the one to undo' {
        $last = Get-TableSync patient -First 1
        $last.Mode | Should -Be 'Incremental'
        $last.RowsUpdated | Should -Be 10
        $lines = Get-TableSync patient | Out-String -Width 80
        $lines | Should -Match "$($last.TableSyncId) +patient +Incremental +10 +Completed"
        $lines | Should -Match 'undone by \d+'
        $undone = $last | Undo-TableSync -Reason 'wrong again' -Confirm:$false
        $undone.Undone.TableSyncId | Should -Be $last.TableSyncId
        (Get-TableSync patient -First 1).Reason | Should -Be 'wrong again'
        (Get-TableSync -TableSyncRunId $last.TableSyncRunId).UndoneByTableSyncId | Should -Be $undone.TableSyncId
        (Get-TableStatus patient | Get-TableSync -Mode Undo).TableSyncId | Should -Contain $undone.TableSyncId
        (Sync-Table patient | Get-TableSync).RowsUpdated | Should -Be 10
    }

    It 'warns of a column that becomes text, at every plan and at the sync that does it' {
        Invoke-SourceTestSql $scene.Source 'ALTER TABLE definition ADD Fee double; INSERT INTO definition VALUES (1, 2.5)'
        Sync-Table definition | Out-Null
        Invoke-SourceTestSql $scene.Source "ALTER TABLE definition MODIFY Fee varchar(10)"
        $plan = Sync-Table definition -WhatIf -WarningVariable planned -WarningAction SilentlyContinue
        $plan | Out-String -Width 200 | Should -Match 'Fee is character varying\(10\) and was double precision: it becomes text'
        $sync = Sync-Table definition -WarningVariable warned -WarningAction SilentlyContinue
        "$planned", "$warned" | Should -BeLike 'definition: Fee becomes text, *'
        $sync.BecomesText | Should -Be 'Fee'
        Sync-Table definition -WarningVariable later -WarningAction SilentlyContinue | Out-Null
        $later | Should -BeNullOrEmpty
    }

    It 'marks rows as the estimate that they are' {
        Invoke-TestSql $scene.Connection 'ANALYZE raw.patient' | Out-Null
        Get-TableStatus patient | Out-String -Width 140 | Should -Match ' ~50 '
    }

    It 'reports a table that fails, and syncs the others' {
        Invoke-SourceTestSql $scene.Source 'DROP TABLE appointment'
        $synced = Sync-Table -ErrorAction SilentlyContinue -ErrorVariable failures
        $synced | Where-Object Status -eq Failed | ForEach-Object ErrorCode | Should -Be 'SourceTableMissing'
        @($synced | Where-Object Status -eq Completed) | Should -HaveCount 3
        $synced | ConvertTo-Json -Depth 9 -WarningVariable truncated | Should -Not -Match 'StackTrace'
        $truncated | Should -BeNullOrEmpty -Because 'an exception would have no end'
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'SourceTableMissing,*'
        $failures[0].ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM raw.appointment' | ForEach-Object n | Should -Be 20
        Get-TableStatus appointment | ForEach-Object Condition | Should -Be 'Failed'
    }

    It 'syncs the others under ErrorAction Stop too' {
        { Sync-Table -MaxConcurrency 1 -ErrorAction Stop } | Should -Throw -ErrorId 'SourceTableMissing*'
        Invoke-TestSql $scene.Connection 'SELECT status FROM etl.table_syncs ORDER BY table_sync_id DESC LIMIT 4' | ForEach-Object status |
            Sort-Object | Should -Be 'completed', 'completed', 'completed', 'failed'
    }

    It 'says so where no table is meant' {
        Sync-Table patient -Importance Standard, Critical -WarningVariable warnings -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        $warnings | Should -BeLike 'Nothing to sync: none of these tables is standard or critical.'
    }

    It 'refuses <Case> with <ErrorId>' -ForEach @(
        @{ Case = 'a table that is not configured'; ErrorId = 'TableNotConfigured'; Call = { Sync-Table patiant } }
        @{ Case = 'a source that is not there'; ErrorId = 'SourceNotFound'; Call = { Sync-Table -Source nowhere } }
        @{ Case = 'a configuration that is not there'; ErrorId = 'TableConfigNotFound'; Call = { Get-TableStatus -TableConfig ./nowhere.yaml } }
        @{ Case = 'wrong credentials'; ErrorId = 'SourceAuthenticationFailed'; Call = { Sync-Table patient -Credential ([pscredential]::new('nobody', (ConvertTo-SecureString 'geheim' -AsPlainText -Force))) } }
        @{ Case = 'a blank reason'; ErrorId = 'ReasonEmpty'; Call = { Undo-TableSync 1 -Reason ' ' } }
        @{ Case = 'the syncs of a table that nobody knows'; ErrorId = 'TableSyncNotFound'; Call = { Get-TableSync patiant -ErrorAction Stop } }
        @{ Case = 'a sync that is not there'; ErrorId = 'TableSyncNotFound'; Call = { Undo-TableSync 999999 -Reason 'why' -Confirm:$false } }
    ) {
        $failure = { & $Call } | Should -Throw -ErrorId "$ErrorId*" -PassThru
        "$failure $($failure.ErrorDetails)" | Should -Not -Match 'geheim'
        $failure.TargetObject | Should -Not -BeNullOrEmpty
    }
}
