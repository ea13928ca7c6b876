BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Reprocessing and undoing' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene

        function Get-PatientName {
            (Invoke-TestSql $scene.Connection 'SELECT DISTINCT name FROM stg.patients ORDER BY name').name
        }
    }
    AfterAll { Remove-Scene $scene }

    BeforeEach {
        Reset-Scene $scene
        Add-PatientFile $scene 2026-01-01 -Id (1..10) -Name Before
        $run = Start-LoadRun
        # The vendor has sent the file again, corrected.
        Add-PatientFile $scene 2026-01-01 -Id (2..11) -Name After
    }

    Context 'Invoke-Reprocess' {
        It 'puts a run right, and is silent about it' {
            $run | Invoke-Reprocess -Reason 'vendor sent it again' | Should -BeNullOrEmpty
            Get-PatientName | Should -Be After
            (Get-LoadRun -Kind Reprocess).Reason | Should -Be 'vendor sent it again'
            (Test-StagingIntegrity).IsIntact | Should -Not -Contain $false
        }

        It 'gives one receipt a file with -PassThru' {
            $receipt = $run | Invoke-Reprocess -Reason x -PassThru
            $receipt | Should -HaveCount 1
            $receipt.Status | Should -Be Completed
            $receipt.SourceChanged | Should -BeTrue
            $receipt.ReceiptId | Should -Not -BeNullOrEmpty
            $receipt.Staging.Inserted | Should -Be 1
            $receipt.Staging.Changed | Should -Be 9
            $receipt.Staging.Withdrawn | Should -Be 1
        }

        It 'says what was done to whom did not ask for receipts' {
            $run | Invoke-Reprocess -Reason x -InformationVariable told 6> $null | Should -BeNullOrEmpty
            $done = Get-LoadRun -Kind Reprocess
            $told | Should -Be "Reprocessed: 1 of 1 file, in run $($done.LoadRunId): 1 key inserted, 9 changed, 1 withdrawn, 0 restored, 0 rows rejected."
            $done | Undo-Reprocess -Reason x -Confirm:$false -InformationVariable told 6> $null
            $told | Should -Match '^Undone: 1 of 1 file, in run '
        }

        It 'returns the plan and changes nothing with -WhatIf' {
            $plan = $run | Invoke-Reprocess -Reason x -WhatIf
            $plan.PSTypeNames | Should -Contain EtlTools.Core.Reprocessing.ReprocessPlan
            $plan.FileCount | Should -Be 1
            $plan.Staging.Table | Should -Be stg.patients
            $plan.Staging.Changed | Should -Be 9
            Get-PatientName | Should -Be Before
            Get-LoadRun -Kind Reprocess | Should -BeNullOrEmpty
        }

        It 'works as an admin types it: detect, look, do, undo' {
            Add-BrokenFile $scene 2026-01-02
            Find-NewFile -From 2026-01-02 | Start-LoadRun -ErrorAction Ignore | Out-Null
            $plan = Get-LoadRun -Problem Failed, Stuck, LowQuality -Since (Get-Date).AddDays(-7) | Invoke-Reprocess -Reason 'Automated quality control' -WhatIf
            $plan.FailedFileCount | Should -Be 1
            $plan.File[0].RowsRead, $plan.File[0].RowsRejected | Should -Be 5, 3
            $plan | Out-String -Width 200 | Should -Match 'Failed patient patient_\S+: 5 rows, 3 rejected\s+TooManyBadRows: 3 of 5 rows'
            Add-PatientFile $scene 2026-01-02 -Id 1, 2 -Name Mended
            Find-FailedFile -ExtractType Patient | Invoke-Reprocess -Reason 'Data quality fix' -PassThru | Tee-Object -Variable receipts
            Get-PatientName | Should -Be Before, Mended
            $receipts | Undo-Reprocess -Reason 'wrong files' -Confirm:$false
            Get-PatientName | Should -Be Before
        }

        It 'takes files rather than their run where an object has both' {
            Add-PatientFile $scene 2026-01-03 -Id 20
            Add-PatientFile $scene 2026-01-04 -Id 21
            $two = Find-NewFile -From 2026-01-02 | Start-LoadRun
            @($two | Get-LoadFile | Select-Object -First 1 | Invoke-Reprocess -Reason x -PassThru) | Should -HaveCount 1
            @($two | Invoke-Reprocess -Reason x -PassThru) | Should -HaveCount 2
        }

        It 'takes ids' {
            $file = ($run | Get-LoadFile).LoadRunFileId
            (Invoke-Reprocess -LoadRunFileId $file -Reason x -PassThru).OldLoadRunFileId | Should -Be $file
            (Invoke-Reprocess $run.LoadRunId -Reason x -PassThru).Status | Should -Be Completed
        }

        It 'keeps to type and dates' {
            $run | Invoke-Reprocess -Reason x -PassThru -ExtractType practice | Should -BeNullOrEmpty
            $run | Invoke-Reprocess -Reason x -PassThru -From 2026-01-02 | Should -BeNullOrEmpty
            $run | Invoke-Reprocess -Reason x -From 2026-01-02 -InformationVariable told 6> $null
            $told | Should -Match 'no file fits'
            { $run | Invoke-Reprocess -Reason x -From 2026-01-02 -To 2026-01-01 -ErrorAction Stop } | Should -Throw -ErrorId 'DateRangeEmpty*'
            Get-PatientName | Should -Be Before
        }

        It 'recomputes staging only with -SkipRaw' {
            Invoke-TestSql $scene.Connection "UPDATE stg.patients SET name = 'Tampered'"
            (Test-StagingIntegrity | Where-Object ExtractType -eq patient).Different | Should -Be 10
            $run | Invoke-Reprocess -Reason x -SkipRaw
            Get-PatientName | Should -Be Before
        }

        It 'deletes old raw rows with -HardDelete where the admin says so' {
            $run | Invoke-Reprocess -Reason x -HardDelete -Force
            (Invoke-TestSql $scene.Connection 'SELECT count(*) AS n FROM raw.patients').n | Should -Be 10
            Assert-EtlError (Get-FirstError { Get-LoadRun -Kind Reprocess | Undo-Reprocess -Reason x -Confirm:$false }) UndoNotPossible
            Get-PatientName | Should -Be After
        }

        It 'reports a file that fails, keeps its old rows, and does the others' {
            Add-PatientFile $scene 2026-01-02 -Id 20
            $second = Find-NewFile -From 2026-01-02 | Start-LoadRun
            Add-BrokenFile $scene 2026-01-01
            $receipts = $run, $second | Invoke-Reprocess -Reason x -PassThru -ErrorVariable failures -ErrorAction SilentlyContinue
            $receipts.Status | Should -Be Failed, Completed
            $receipts[0].RowsRead, $receipts[0].RowsRejected | Should -Be 5, 3
            $failures | Should -HaveCount 1
            Assert-EtlError $failures[0] $receipts[0].ErrorCode InvalidData
            $failures[0].ErrorDetails.RecommendedAction | Should -Match "^Get-RejectedRow -LoadRunFileId $($receipts[0].NewLoadRunFileId) .+\. \w+"
            Get-PatientName | Should -Contain Before
        }

        It 'says what to do about the cause where a file is gone' {
            Remove-Item (Join-Path $scene.Source *)
            $receipt = $run | Invoke-Reprocess -Reason x -PassThru -ErrorVariable failures -ErrorAction SilentlyContinue
            Assert-EtlError $failures[0] SourceFileMissing
            $failures[0].ErrorDetails.RecommendedAction | Should -Be $receipt.NextStep
            $receipt.NextStep | Should -Match 'SkipRaw'
        }

        It 'begins nothing more once -MaxFailure is reached' {
            Add-PatientFile $scene 2026-01-02 -Id 20
            $second = Find-NewFile -From 2026-01-02 | Start-LoadRun
            Add-BrokenFile $scene 2026-01-01
            $receipts = $run, $second | Invoke-Reprocess -Reason x -MaxFailure 1 -PassThru -ErrorAction SilentlyContinue -WarningVariable warnings -WarningAction SilentlyContinue
            $receipts.Status | Should -Be Failed, NotStarted
            $warnings | Should -HaveCount 1
        }

        It 'does nothing where nothing comes through the pipe' {
            Find-FailedFile | Invoke-Reprocess -Reason x -PassThru | Should -BeNullOrEmpty
            Get-LoadRun -Kind Reprocess | Should -BeNullOrEmpty
        }

        It 'refuses to delete raw rows where it replaces none' {
            Assert-EtlError (Get-FirstError { $run | Invoke-Reprocess -Reason x -SkipRaw -HardDelete -Force }) NothingToDelete InvalidArgument
            Get-LoadRun -Kind Reprocess | Should -BeNullOrEmpty
        }

        It 'refuses an empty reason, no input, unknown runs and files' {
            Assert-EtlError (Get-FirstError { $run | Invoke-Reprocess -Reason '  ' }) ReasonEmpty InvalidArgument
            Assert-EtlError (Get-FirstError { Invoke-Reprocess -Reason x }) InputMissing InvalidArgument
            Assert-EtlError (Get-FirstError { Invoke-Reprocess ([guid]::NewGuid()) -Reason x }) LoadRunNotFound ObjectNotFound
            Assert-EtlError (Get-FirstError { Invoke-Reprocess -LoadRunFileId 4711 -Reason x }) LoadFileNotFound ObjectNotFound
            Get-PatientName | Should -Be Before
        }
    }

    Context 'Undo-Reprocess' {
        BeforeEach {
            $receipts = $run | Invoke-Reprocess -Reason 'vendor sent it again' -PassThru
        }

        It 'brings back what was there' {
            $receipts | Undo-Reprocess -Reason 'wrong files' -Confirm:$false | Should -BeNullOrEmpty
            Get-PatientName | Should -Be Before
            (Get-LoadRun -Kind Undo).Reason | Should -Be 'wrong files'
        }

        It 'says what is needed where nobody can confirm: <Where>' -ForEach @(
            @{ Where = 'no host'; Shell = { [powershell]::Create().AddScript($args[0]).Invoke() } }
            @{ Where = 'a console without input'; Shell = { @() | & ([Environment]::ProcessPath) -NoProfile -Command $args[0] } }
            @{ Where = 'a console that must not ask'; Shell = { & ([Environment]::ProcessPath) -NoProfile -NonInteractive -Command $args[0] } }
        ) {
            # Each answers in its own way, a console without input with an error of PowerShell's own.
            $begin = "Import-Module '$(Get-ModulePath)'; Connect-EtlDatabase '$($scene.Connection)' -Pipeline '$($scene.Pipeline)'"
            $undo = "try { Undo-Reprocess -ReceiptId {0} -Reason x | Out-Null } catch { `$_.FullyQualifiedErrorId; `$_.ErrorDetails.RecommendedAction }"
            $known = $undo -replace '\{0\}', $receipts.ReceiptId
            $unknown = $undo -replace '\{0\}', [guid]::NewGuid()
            $delete = "try { Get-LoadRun -Kind Reprocess | Invoke-Reprocess -Reason x -HardDelete } catch { `$_.FullyQualifiedErrorId }"
            $deleteUnknown = $delete -replace 'Get-LoadRun -Kind Reprocess \|', '' -replace '-HardDelete', "$([guid]::NewGuid()) -HardDelete"
            & $Shell "$begin; $known; $unknown; $delete; $deleteUnknown" | Out-String |
                Should -Match '(?s)ConfirmationNeeded,.+-Confirm:\$false.+ReceiptNotFound,.+ConfirmationNeeded,.+LoadRunNotFound,'
            Get-PatientName | Should -Be After
        }

        It 'takes a whole run, and gives receipts of its own' {
            $undone = Get-LoadRun -Kind Reprocess | Undo-Reprocess -Reason 'wrong files' -PassThru -Confirm:$false
            $undone | Should -HaveCount 1
            $undone.Status | Should -Be Completed
            Get-PatientName | Should -Be Before
        }

        It 'returns the plan and changes nothing with -WhatIf' {
            $plan = $receipts | Undo-Reprocess -Reason 'wrong files' -WhatIf
            $plan.FileCount | Should -Be 1
            $plan.Staging.Changed + $plan.Staging.Restored | Should -BeGreaterThan 8
            Get-PatientName | Should -Be After
        }

        It 'refuses a second time, with the conflict named' {
            $receipts | Undo-Reprocess -Reason x -Confirm:$false
            Assert-EtlError (Get-FirstError { $receipts | Undo-Reprocess -Reason x -Confirm:$false }) UndoConflict
            Assert-EtlError (Get-FirstError { Get-LoadRun -Kind Reprocess | Undo-Reprocess -Reason x -Confirm:$false }) NothingToUndo ObjectNotFound
        }

        It 'refuses where a later reprocess stands on it' {
            $run | Invoke-Reprocess -Reason again
            Assert-EtlError (Get-FirstError { $receipts | Undo-Reprocess -Reason x -Confirm:$false }) UndoConflict
            Get-PatientName | Should -Be After
        }

        It 'leaves of a refusal who asked for it, and no problem of the pipeline' {
            $run | Invoke-Reprocess -Reason again
            Assert-EtlError (Get-FirstError { $receipts | Undo-Reprocess -Reason 'ticket 4711' -Confirm:$false }) UndoConflict
            $refused = Get-LoadRun -Kind Undo
            $refused.Status | Should -Be Cancelled
            $refused.ErrorCode, $refused.Reason | Should -Be UndoConflict, 'ticket 4711'
            $refused.RequestedBy | Should -Not -BeNullOrEmpty
            Get-LoadRun -Problem Failed | Should -BeNullOrEmpty
            (Get-ProcessingHealth).Alert | Should -BeNullOrEmpty
        }

        It 'passes over receipts of files that were not done, and refuses where no other came' {
            Add-BrokenFile $scene 2026-01-01
            $failed = $run | Invoke-Reprocess -Reason x -PassThru -ErrorAction SilentlyContinue
            $failed.ReceiptId | Should -BeNullOrEmpty
            $failed, $receipts[0] | Undo-Reprocess -Reason x -Confirm:$false
            Get-PatientName | Should -Be Before
            Assert-EtlError (Get-FirstError { $failed | Undo-Reprocess -Reason x -Confirm:$false }) NothingToUndo ObjectNotFound
        }

        It 'refuses an empty reason, no input, and an unknown receipt, run or file' {
            Assert-EtlError (Get-FirstError { $receipts | Undo-Reprocess -Reason '' -Confirm:$false }) ReasonEmpty InvalidArgument
            Assert-EtlError (Get-FirstError { Undo-Reprocess -Reason x -Confirm:$false }) InputMissing InvalidArgument
            Assert-EtlError (Get-FirstError { Undo-Reprocess -ReceiptId ([guid]::NewGuid()) -Reason x -Confirm:$false }) ReceiptNotFound ObjectNotFound
            Assert-EtlError (Get-FirstError { Undo-Reprocess ([guid]::NewGuid()) -Reason x -Confirm:$false }) LoadRunNotFound ObjectNotFound
            Assert-EtlError (Get-FirstError { Undo-Reprocess -LoadRunFileId 4711 -Reason x -Confirm:$false }) LoadFileNotFound ObjectNotFound
            Get-PatientName | Should -Be After
        }
    }
}
