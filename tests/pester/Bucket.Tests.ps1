# The vendor's own files, from a bucket, through the module.
BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Files in a bucket' -Skip:(-not ((Test-PostgresServer) -and (Test-S3Server))) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
        Import-Module (Get-ModulePath)
        $folder = New-TestFolder
        $bucket = New-TestBucket
        $prefix = 'C:/Jobs/indici_export/working/'
        $pipeline = Join-Path $folder bucket.yaml
        Set-Content $pipeline @"
extends: indici
name: practice
source:
  kind: s3
  bucket: $bucket
  prefix: '$prefix'
  endpoint: $(Get-S3Endpoint)
  region: us-east-1
"@
        foreach ($type in 'Patient', 'Provider', 'Allergies') {
            $file = New-VendorFile $folder $type -RowCount 20
            Add-TestObject $bucket $file -Key "$prefix$(Split-Path -Leaf $file)"
        }
        $connection = New-TestDatabase
        Connect-EtlDatabase $connection -Pipeline $pipeline -WarningAction Ignore
        Initialize-EtlDatabase | Out-Null
    }
    AfterAll {
        Disconnect-EtlDatabase -ErrorAction Ignore
        Remove-TestDatabase $connection
        Remove-TestBucket $bucket
        Remove-TestFolder $folder
    }

    It 'are found, loaded, parents first, and staged' {
        @(Find-NewFile) | Should -HaveCount 3
        $run = Start-LoadRun
        $run.Status | Should -Be Completed
        $run.RowsIngested | Should -Be 60
        $run.RowsRejected | Should -Be 0
        (Test-StagingIntegrity Patient, Provider, Allergies).Rows | Should -Be 20, 20, 20
        Start-LoadRun | Should -BeNullOrEmpty
    }

    It 'are refused where the bucket is not there' {
        $other = Join-Path $folder other.yaml
        (Get-Content -Raw $pipeline) -replace $bucket, "none-$([guid]::NewGuid())" | Set-Content $other
        try { Get-LoadPlan -Pipeline $other -ErrorAction Stop } catch { $failure = $_ }
        $failure.FullyQualifiedErrorId | Should -Match '^SourceNotFound,'
        $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }
}
