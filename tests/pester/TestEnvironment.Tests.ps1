# The ground that the other tests stand on.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
}

BeforeAll {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
}

Describe 'The test environment' {
    It 'gives a database of its own and takes it back' -Skip:(-not (Test-PostgresServer)) {
        $connection = New-TestDatabase
        Invoke-TestSql $connection 'CREATE TABLE here (id int, name text); INSERT INTO here VALUES (1, NULL), (2, $$b$$)'
        $rows = Invoke-TestSql $connection 'SELECT * FROM here ORDER BY id'
        $rows | Should -HaveCount 2
        $rows[1].name | Should -Be 'b'

        Remove-TestDatabase $connection
        { Invoke-TestSql $connection 'SELECT 1' } | Should -Throw
    }

    It 'gives a bucket and takes it back' -Skip:(-not (Test-S3Server)) {
        $file = Join-Path $TestDrive 'a b.txt'
        Set-Content $file 'text'
        $bucket = New-TestBucket
        Add-TestObject $bucket $file
        Remove-TestBucket $bucket
        { Add-TestObject $bucket $file } | Should -Throw
    }

    It 'says when it cannot do what it was asked' {
        { New-VendorFile $TestDrive NoSuchType } | Should -Throw
    }
}

Describe 'The module' -Skip:(-not (Test-Path (Get-ModulePath))) {
    It 'can be imported' {
        Import-Module (Get-ModulePath) -Force
        (Get-Module EtlTools).ExportedCommands.Count | Should -BeGreaterThan 0
    }
}
