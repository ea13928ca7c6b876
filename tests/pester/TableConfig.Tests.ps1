# New-TableConfig, Test-TableConfig and Compare-Table as an admin uses them.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
    $skip = -not ((Test-PostgresServer) -and (Test-MariaDbServer))
}

BeforeAll {
    Import-Module "$PSScriptRoot/Support/Scene.psm1"
}

Describe 'Table configuration and comparison' -Skip:$skip {
    BeforeAll {
        $scene = New-TableScene @'
CREATE TABLE patient (PatNum bigint AUTO_INCREMENT PRIMARY KEY, LName varchar(100) NOT NULL, DateTStamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp());
INSERT INTO patient (LName) SELECT CONCAT('Secretname ', seq) FROM seq_1_to_50;
CREATE TABLE appointment (AptNum bigint AUTO_INCREMENT PRIMARY KEY, PatNum bigint NOT NULL);
INSERT INTO appointment (PatNum) SELECT seq FROM seq_1_to_20;
'@
    }

    AfterAll { Remove-TableScene $scene }

    It 'shows what an analysis would write, writes it, and leaves it alone when nothing is new' {
        $plan = New-TableConfig -WhatIf
        $plan.Name | Should -Be appointment, patient
        $plan.Kind | Sort-Object -Unique | Should -Be Added
        "$($scene.Folder)/tables.yaml" | Should -Not -Exist
        $report = New-TableConfig
        $report.IsWritten | Should -BeTrue
        $report.Critical | Should -Be 2
        $report | Out-String -Width 120 | Should -Match 'Tables\s+: 2: 2 critical'
        "$($scene.Folder)/tables.generated.yaml" | Should -Exist
        (New-TableConfig).IsWritten | Should -BeFalse
        $report | Test-TableConfig -Quiet | Should -BeTrue
    }

    It 'warns once of tables that are locked while they are read: when they come in, and at their first sync' {
        $ours = @{ TableConfig = "$($scene.Folder)/locked.yaml" }
        Invoke-SourceTestSql $scene.Source @'
CREATE TABLE one (id int PRIMARY KEY) ENGINE=MyISAM; INSERT INTO one VALUES (1);
CREATE TABLE two (id int PRIMARY KEY) ENGINE=MyISAM;
'@
        New-TableConfig one, two, patient @ours -WarningVariable warned -WarningAction SilentlyContinue | Out-Null
        $warned | Should -HaveCount 1
        "$warned" | Should -Match '2 tables of MyISAM .*\(one, two\)'
        New-TableConfig @ours -Name one -WarningVariable again -WarningAction SilentlyContinue | Out-Null
        Sync-Table @ours -WhatIf -WarningVariable planned -WarningAction SilentlyContinue | Out-Null
        $synced = Sync-Table @ours -WarningVariable first -WarningAction SilentlyContinue
        $synced.IsFirst | Sort-Object -Unique | Should -BeTrue
        Sync-Table @ours -WarningVariable next -WarningAction SilentlyContinue | Out-Null
        $planned, $first | ForEach-Object { $_ | Should -HaveCount 1; "$_" | Should -Match '\((one, two|two, one)\)' }
        $again + $next | Should -HaveCount 0
        Invoke-SourceTestSql $scene.Source 'DROP TABLE one, two'
    }

    It 'keeps what was edited and lists conflicts' {
        $file = "$($scene.Folder)/tables.yaml"
        $written = Get-Content -Raw $file
        [IO.File]::WriteAllText($file, ($written -replace 'primary_key: \[PatNum\]', 'primary_key: [PatNum, LName]'))
        Invoke-SourceTestSql $scene.Source 'ALTER TABLE patient DROP PRIMARY KEY, ADD PRIMARY KEY (PatNum, DateTStamp)'
        $report = New-TableConfig -Name patient -WarningVariable warnings -WarningAction SilentlyContinue
        $report.Conflict.Setting | Should -Contain primary_key
        "$warnings" | Should -Match '1 setting edited by hand'
        Get-Content -Raw $file | Should -Match 'primary_key: \[PatNum, LName\]'
        $test = Test-TableConfig
        $test.IsValid | Should -BeFalse
        $test.Fault.Code | Should -Contain PrimaryKeyDiffers
        $test.Fault[0].Line | Should -BeGreaterThan 1
        $test | Out-String -Width 200 | Should -Match 'Error in line \d+, table patient: primary_key is PatNum, LName'
        Invoke-SourceTestSql $scene.Source 'ALTER TABLE patient DROP PRIMARY KEY, ADD PRIMARY KEY (PatNum)'
        New-TableConfig -Prefer Analysis | Out-Null
        [IO.File]::WriteAllText($file, $written)
        Test-TableConfig -Quiet | Should -BeTrue
    }

    It 'finds the rows in which source and copy differ' {
        Sync-Table | Out-Null
        (Compare-Table).IsEqual | Should -Be $true, $true
        Invoke-TestSql $scene.Connection @'
DELETE FROM raw.patient WHERE "PatNum" = 3;
UPDATE raw.patient SET "LName" = 'x' WHERE "PatNum" = 4;
'@
        $comparison = Compare-Table patient
        $comparison.IsEqual | Should -BeFalse
        $comparison.Missing, $comparison.Different | Should -Be 1, 1
        $comparison.Difference.Key.PatNum | Should -Be 3, 4
        $comparison | Out-String -Width 160 | Should -Match 'patient\s+.*NO.*\s50\s+49\s'
        $comparison.Difference | Out-String | Should -Match 'PatNum=3'
        (Compare-Table patient -Tolerance 10%).IsAccepted | Should -BeTrue
        (Get-TableStatus | Compare-Table -MaxDifference 0 | Where-Object Name -eq patient).IsComplete | Should -BeFalse
    }

    It 'compares two copies' {
        Invoke-TestSql $scene.Connection 'CREATE SCHEMA old; CREATE TABLE old.appointment AS SELECT * FROM raw.appointment;'
        (Compare-Table appointment -AgainstSchema old).IsEqual | Should -BeTrue
        Assert-EtlError (Get-FirstError { Compare-Table appointment -AgainstSchema raw }) ComparedWithItself InvalidArgument
        $missing = Compare-Table patient -AgainstSchema old -ErrorVariable failures -ErrorAction SilentlyContinue
        $missing.ErrorCode | Should -Be CopyMissing
        Assert-EtlError $failures[0] CopyMissing
        $missing.SourceRows, $missing.Missing | Should -Be $null, $null -Because 'nothing was counted'
        $missing | Out-String -Width 80 | Should -Match 'patient\s+NO\s*$'
        (TabExpansion2 'Compare-Table -AgainstSchema ').CompletionMatches.CompletionText | Should -Contain old
    }

    It 'writes no name of a patient anywhere, and refuses wrong credentials' {
        Get-Content -Raw "$($scene.Folder)/tables.yaml" | Should -Not -Match Secretname
        $credential = [pscredential]::new('nobody', (ConvertTo-SecureString hush -AsPlainText))
        $failure = Get-FirstError { New-TableConfig -Credential $credential }
        Assert-EtlError $failure SourceAuthenticationFailed PermissionDenied
        "$failure" | Should -Not -Match hush
        Test-TableConfig -TableConfig "$($scene.Folder)/no.yaml" -ErrorVariable failures -ErrorAction SilentlyContinue
        Assert-EtlError $failures[0] TableConfigNotFound
        Assert-EtlError (Get-FirstError { New-TableConfig pateint }) SourceTableMissing
    }
}
