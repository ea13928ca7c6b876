BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Runs, files and rejected rows' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Add-PatientFile $scene 2026-01-01 -Id (1..10) -Line 'x,1,Aroha Planted-Name,1980-02-28', '12,1,Aroha Planted-Name,1980-02-28,x'
        $poor = Start-LoadRun -MaxErrorRate 50%
        Add-BrokenFile $scene 2026-01-02
        $failed = Start-LoadRun -ErrorAction Ignore
        Add-PatientFile $scene 2026-01-03
        Add-PracticeFile $scene 2026-01-03
        $good = Find-NewFile | Start-LoadRun
        Invoke-TestSql $scene.Connection @'
INSERT INTO etl.load_runs (load_run_id, status, triggered_by, lease_key, started_at)
VALUES ('11111111-1111-1111-1111-111111111111', 'running', 'manual', 424242, now() - interval '10 days');
'@
        $stuck = [guid] '11111111-1111-1111-1111-111111111111'
    }
    AfterAll { Remove-Scene $scene }

    Context 'Get-LoadRun' {
        It 'shows the newest first' {
            (Get-LoadRun).LoadRunId | Should -Be $good.LoadRunId, $failed.LoadRunId, $poor.LoadRunId, $stuck
            @(Get-LoadRun -First 1) | Should -HaveCount 1
        }

        It 'finds runs with a problem' {
            (Get-LoadRun -Problem Failed).LoadRunId | Should -Be $failed.LoadRunId
            (Get-LoadRun -Problem Stuck).LoadRunId | Should -Be $stuck
            Get-LoadRun -Problem LowQuality | Select-Object -ExpandProperty LoadRunId | Should -Contain $poor.LoadRunId
            Get-LoadRun -Problem LowQuality -MaxErrorRate 90% | Should -BeNullOrEmpty
            @(Get-LoadRun -Problem Failed, Stuck, LowQuality) | Should -HaveCount 3
            Get-LoadRun -Problem Failed, Stuck, LowQuality -Since (Get-Date).AddDays(-7) | Should -HaveCount 2
        }

        It 'keeps to status, kind, type and time' {
            (Get-LoadRun -Status Running).LoadRunId | Should -Be $stuck
            Get-LoadRun -Kind Reprocess, Undo | Should -BeNullOrEmpty
            (Get-LoadRun -ExtractType practice).LoadRunId | Should -Be $good.LoadRunId
            @(Get-LoadRun -Since 7d) | Should -HaveCount 3
            @(Get-LoadRun -Since (Get-Date).AddDays(-20)) | Should -HaveCount 4
            @(Get-LoadRun -Since ([datetimeoffset]::Now.AddDays(-20))) | Should -HaveCount 4
        }

        It 'goes on after a run that is not there' {
            $runs = $good.LoadRunId, [guid]::NewGuid(), $poor.LoadRunId | Get-LoadRun -ErrorVariable failures -ErrorAction SilentlyContinue
            $runs.LoadRunId | Should -Be $good.LoadRunId, $poor.LoadRunId
            $failures | Should -HaveCount 1
            Assert-EtlError $failures[0] LoadRunNotFound ObjectNotFound
        }

        It 'takes runs from the pipeline' {
            ($good | Get-LoadRun).LoadRunId | Should -Be $good.LoadRunId
        }

        It 'shows the problem on a console of usual width' {
            Get-LoadRun -Problem LowQuality | Format-Table | Out-String -Width 120 | Should -Match 'LowQuality'
        }

        It 'refuses an id that is none' {
            { Get-LoadRun 4711 } | Should -Throw -ErrorId 'CannotConvertArgumentNoMessage,*'
        }
    }

    Context '-ExtractType' {
        It 'is refused by <Name> where nobody knows it, with what was meant' -ForEach @(
            @{ Name = 'Get-LoadRun' }, @{ Name = 'Get-LoadFile' }, @{ Name = 'Get-RejectedRow' }
        ) {
            $failure = Get-FirstError { & $Name -ExtractType practise -ErrorAction Stop }
            Assert-EtlError $failure ExtractTypeUnknown InvalidArgument
            $failure.ErrorDetails.RecommendedAction | Should -Match "Did you mean 'practice'"

            # Without a pipeline the ledger's own names count.
            $text = @{ Connection = $scene.Connection }
            Assert-EtlError (Get-FirstError { & $Name -ExtractType practise -ErrorAction Stop @text }) ExtractTypeUnknown InvalidArgument
            { & $Name -ExtractType Practice -ErrorAction Stop @text } | Should -Not -Throw
        }
    }

    Context 'Get-LoadFile' {
        It 'shows the files of runs' {
            ($good | Get-LoadFile).ExtractType | Should -Be practice, patient
            @(Get-LoadFile) | Should -HaveCount 4
        }

        It 'keeps to file, status, type, time and number' {
            $file = $failed | Get-LoadFile
            (Get-LoadFile -LoadRunFileId $file.LoadRunFileId).FileName | Should -Be $file.FileName
            (Get-LoadFile -Status Failed).LoadRunFileId | Should -Be $file.LoadRunFileId
            @(Get-LoadFile -ExtractType practice) | Should -HaveCount 1
            @(Get-LoadFile -Since 1h -First 2) | Should -HaveCount 2
            @(Get-LoadFile -ExcludeSuperseded) | Should -HaveCount 4
        }

        It 'goes on after a file that is not there' {
            $known = ($poor | Get-LoadFile).LoadRunFileId
            $input = foreach ($id in $known, 4711, $known) { [pscustomobject]@{ LoadRunFileId = $id } }
            @($input | Get-LoadFile -ErrorVariable failures -ErrorAction SilentlyContinue) | Should -HaveCount 2
            Assert-EtlError $failures[0] LoadFileNotFound ObjectNotFound
        }
    }

    Context 'Get-RejectedRow' {
        It 'shows the rows with stage, place and reasons, and not what stands in them' {
            $rows = $poor | Get-RejectedRow
            ($rows | Where-Object Stage -eq load).Reason | Should -Be field_count
            ($rows | Where-Object Stage -eq load).LineNumber | Should -Be 13
            ($rows | Where-Object Stage -eq staging).Reason | Should -Match '^patient_id:'
            $rows | Format-List * | Out-String | Should -Not -Match 'Planted-Name'
        }

        It 'keeps to file, type, stage and number' {
            $file = $poor | Get-LoadFile
            @(Get-RejectedRow -LoadRunFileId $file.LoadRunFileId) | Should -HaveCount 2
            @($file | Get-RejectedRow -Stage staging) | Should -HaveCount 1
            Get-RejectedRow -ExtractType practice | Should -BeNullOrEmpty
            @(Get-RejectedRow -First 1) | Should -HaveCount 1
        }

        It 'gives the content to who asks for it' {
            $rows = $poor | Get-RejectedRow -IncludeContent
            ($rows | Where-Object Stage -eq staging).Content.Fields['name'] | Should -Be 'Aroha Planted-Name'
            ($rows | Where-Object Stage -eq load).Content.Text | Should -Match 'Planted-Name'
        }
    }

    Context 'Stop-LoadRun' {
        It 'returns the plan and changes nothing with -WhatIf' {
            $plan = $good, (Get-LoadRun $stuck) | Stop-LoadRun -Reason 'server restarted' -WhatIf -ErrorVariable failures -ErrorAction SilentlyContinue
            $plan.LoadRunId | Should -Be $stuck
            $plan.Action | Should -Be Close
            Assert-EtlError $failures[0] LoadRunNotRunning
            (Get-LoadRun $stuck).Status | Should -Be Running
        }

        It 'refuses a blank reason, an unknown run, and a run that has ended' {
            Assert-EtlError (Get-FirstError { Stop-LoadRun $stuck -Reason ' ' }) ReasonEmpty InvalidArgument
            Assert-EtlError (Get-FirstError { Stop-LoadRun ([guid]::NewGuid()) -Reason x -ErrorAction Stop }) LoadRunNotFound ObjectNotFound
            Assert-EtlError (Get-FirstError { $good | Stop-LoadRun -Reason x -ErrorAction Stop }) LoadRunNotRunning
        }

        It 'closes a dead run from the pipeline, and goes on after one that has ended' {
            $stopped = $good, (Get-LoadRun $stuck) | Stop-LoadRun -Reason 'server restarted' -ErrorVariable failures -ErrorAction SilentlyContinue
            $stopped.LoadRunId | Should -Be $stuck
            $stopped.Status | Should -BeIn Failed, Cancelled
            Assert-EtlError $failures[0] LoadRunNotRunning
            Get-LoadRun -Problem Stuck | Should -BeNullOrEmpty
        }
    }
}
