BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Repair-RejectedRow' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene

        function Get-Patient([int] $id) {
            Invoke-TestSql $scene.Connection "SELECT name, born::text AS born FROM stg.patients WHERE patient_id = $id"
        }
    }
    AfterAll { Remove-Scene $scene }

    BeforeEach {
        Reset-Scene $scene
        Add-PatientFile $scene 2026-01-01 -Id (1..40) -Line '41,1,Aroha Planted-Name,30-02-1980', '42,1,Aroha Planted-Name,1980-02-28,x'
        $run = Start-LoadRun
        $refused = $run | Get-RejectedRow -Stage staging
        $unread = $run | Get-RejectedRow -Stage load
    }

    It 'corrects a value that staging refused' {
        $refused | Repair-RejectedRow -Value @{ born = '1980-02-29' } -Reason 'asked the practice' | Should -BeNullOrEmpty
        (Get-Patient 41).born | Should -Be 1980-02-29
        ($run | Get-RejectedRow).RejectedRowId | Should -Be $unread.RejectedRowId
        (Get-LoadRun -Kind Repair).Reason | Should -Be 'asked the practice'

        # One of two rejected rows of 42 is still open.
        $now = Get-LoadRun $run.LoadRunId
        $now.ErrorRate | Should -Be (2 / 42)
        $now.OpenErrorRate | Should -Be (1 / 42)
        $now | Out-String -Width 120 | Should -Match ('{0:P1}' -f (1 / 42))
        (Get-LoadRun $run.LoadRunId -MaxErrorRate 4%).Problem | Should -BeNullOrEmpty
        (Get-LoadRun $run.LoadRunId -MaxErrorRate 2%).Problem | Should -Be LowQuality
        (Test-StagingIntegrity).IsIntact | Should -Not -Contain $false
    }

    It 'puts a row in that never reached raw, and can be undone' {
        $receipt = $unread | Repair-RejectedRow -Value @{ patient_id = 42; practice_id = 1; name = 'Mended' } -Reason x -PassThru
        $receipt.Status | Should -Be Completed
        (Get-Patient 42).name | Should -Be Mended
        $receipt | Undo-Reprocess -Reason x -Confirm:$false
        Get-Patient 42 | Should -BeNullOrEmpty
    }

    It 'goes with the load that it corrects, which is told before' {
        $unread | Repair-RejectedRow -Value @{ patient_id = 42; practice_id = 1; name = 'Mended' } -Reason x
        (Undo-Reprocess -LoadRunFileId $unread.LoadRunFileId -Reason x -WhatIf).File.Repairs | Should -Be 1
    }

    It 'goes with the attempt that a reprocess replaces, which is told before and after' {
        $unread | Repair-RejectedRow -Value @{ patient_id = 42; practice_id = 1; name = 'Mended' } -Reason x
        $plan = $run | Invoke-Reprocess -Reason x -WhatIf
        $plan.File.Repairs | Should -Be 1
        $plan | Out-String -Width 120 | Should -Match 'Repairs +: 1, which would go'
        $run | Invoke-Reprocess -Reason x -WarningVariable warnings -WarningAction SilentlyContinue
        "$warnings" | Should -Match ': 1 repair\. '
        Get-Patient 42 | Should -BeNullOrEmpty
        $run | Invoke-Reprocess -Reason x -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
    }

    It 'reads rows of a file, whichever run rejected them' {
        Get-LoadRun -Kind Load | Get-LoadFile -ExtractType patient | Get-RejectedRow | Should -Not -BeNullOrEmpty
        $all = Get-RejectedRow -LoadRunFileId $refused.LoadRunFileId
        [pscustomobject]@{ LoadRunFileId = $refused.LoadRunFileId; LoadRunId = [guid]::NewGuid() } | Get-RejectedRow | Should -HaveCount @($all).Count
    }

    It 'reads corrections from a file' {
        $file = Join-Path $scene.Folder corrections.csv
        Set-Content $file 'rejected_row_id,born', "$($refused.RejectedRowId),1980-02-29"
        Repair-RejectedRow -Path (Join-Path $scene.Folder corr*.csv) -Reason x
        (Get-Patient 41).born | Should -Be 1980-02-29
    }

    It 'returns what would happen and changes nothing with -WhatIf' {
        $planned = $refused | Repair-RejectedRow -Value @{ born = '1980-02-29' } -Reason x -WhatIf
        $planned.Status | Should -Be Planned
        $planned.Staging.Inserted | Should -Be 1
        Get-Patient 41 | Should -BeNullOrEmpty
    }

    It 'refuses a value that is still wrong, and changes nothing' {
        $failure = Get-FirstError { $refused | Repair-RejectedRow -Value @{ born = '31-31-1980' } -Reason x }
        Assert-EtlError $failure RepairStillInvalid
        $failure.TargetObject | Should -Be "rejected row $($refused.RejectedRowId)"
        "$failure" | Should -Match "rejected row $($refused.RejectedRowId): born:"
        @($run | Get-RejectedRow) | Should -HaveCount 2
    }

    It 'says of a row whose file failed that the file is to be put right' {
        Add-BrokenFile $scene 2026-01-02
        Start-LoadRun -ErrorAction SilentlyContinue | Out-Null
        $row = Find-FailedFile | Get-RejectedRow -First 1
        $failure = Get-FirstError { $row | Repair-RejectedRow -Value @{ patient_id = 1 } -Reason x }
        Assert-EtlError $failure RejectedRowOfFailedFile
        $failure.ErrorDetails.RecommendedAction | Should -Match "Invoke-Reprocess -LoadRunFileId $($row.LoadRunFileId) "
        Add-PatientFile $scene 2026-01-02
        Find-FailedFile | Invoke-Reprocess -Reason x
        Assert-EtlError (Get-FirstError { $row | Repair-RejectedRow -Value @{ patient_id = 1 } -Reason x }) RejectedRowClosed
    }

    It 'refuses an unknown row, an unknown column, an empty reason' {
        Assert-EtlError (Get-FirstError { Repair-RejectedRow 4711 -Value @{ born = '1980-02-29' } -Reason x }) RejectedRowNotFound ObjectNotFound
        Assert-EtlError (Get-FirstError { $refused | Repair-RejectedRow -Value @{ nosuch = '1' } -Reason x }) RepairColumnUnknown InvalidArgument
        Assert-EtlError (Get-FirstError { $refused | Repair-RejectedRow -Value @{ born = '1980-02-29' } -Reason '' }) ReasonEmpty InvalidArgument
    }

    It 'refuses a file with the mistake <Mistake>, and says the line' -ForEach @(
        @{ Mistake = 'no id column'; Lines = @('born', '1980-02-29'); Line = 1 }
        @{ Mistake = 'id that is no number'; Lines = @('rejected_row_id,born', 'Planted-Name,1980-02-29'); Line = 2 }
        @{ Mistake = 'the same id twice'; Lines = @('rejected_row_id,born', '1,1980-02-29', '1,1980-02-28'); Line = 3 }
        @{ Mistake = 'a field too many'; Lines = @('rejected_row_id,born', '1,1980-02-29,Planted-Name'); Line = 2 }
        @{ Mistake = 'no column but the id'; Lines = @('rejected_row_id', '1'); Line = 1 }
    ) {
        $file = Join-Path $scene.Folder wrong.csv
        Set-Content $file $Lines
        $failure = Get-FirstError { Repair-RejectedRow -LiteralPath $file -Reason x -ErrorAction Stop }
        Assert-EtlError $failure CorrectionFileInvalid InvalidArgument
        $failure.Exception.Message | Should -Match "line ${Line}:"
    }

    It 'refuses a file that is not there' {
        Assert-EtlError (Get-FirstError { Repair-RejectedRow -LiteralPath ./nosuch.csv -Reason x -ErrorAction Stop }) CorrectionFileNotFound ObjectNotFound
    }
}
