BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Views of loading and reprocessing' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        (Get-Content -Raw $scene.Pipeline) -replace '  kind: folder', "  kind: folder`n  recurse: true" | Set-Content $scene.Pipeline

        # Two clinics send files of the same names.
        foreach ($clinic in 'clinic-north', 'clinic-south') {
            $folder = New-Item -ItemType Directory (Join-Path $scene.Source $clinic)
            Move-Item (Add-BrokenFile $scene 2026-01-02) $folder
            Move-Item (Add-PatientFile $scene 2026-01-03 -Id (1..60) -Line 'x,1,Aroha Planted-Name,1980-02-28', '12,1,Aroha Planted-Name,1980-02-28,x') $folder
        }

        $new = Find-NewFile
        $plan = Get-LoadPlan
        $run = Start-LoadRun -ErrorAction SilentlyContinue -ErrorVariable failures
        $runs = Get-LoadRun
        $failed = Find-FailedFile
        $files = Get-LoadFile
        $rejected = Get-RejectedRow
        $receipts = Get-LoadFile -Status Completed | Invoke-Reprocess -Reason test -PassThru
        $receipts += Find-FailedFile | Invoke-Reprocess -Reason test -PassThru -ErrorAction SilentlyContinue
        $preview = Invoke-Reprocess -LoadRunFileId 1 -Reason test -WhatIf

        function Get-Lines($objects, [int] $width) {
            ($objects | Out-String -Width $width) -split '\r?\n' -replace '\x1b\[[0-9;]*m' -replace '\s+$' | Where-Object { $_ }
        }
    }
    AfterAll { Remove-Scene $scene }

    It 'shows of <Name> what an admin must see first, at <Width> columns' -ForEach @(
        foreach ($width in 79, 80) {
            @{ Width = $width; Name = 'new files'; Of = { $new }; Titles = 'ExtractType Reason Extracted Size \(KB\) File' }
            @{ Width = $width; Name = 'a plan'; Of = { $plan }; Titles = 'Order Reason ExtractType Extracted Size \(KB\) File' }
            @{ Width = $width; Name = 'runs'; Of = { $runs }; Titles = 'RunId At \(local\) Kind Status Problem Files Failed Rows Reject' }
            @{ Width = $width; Name = 'failed files'; Of = { $failed }; Titles = 'FileId ExtractType Error Tries Retry File' }
            @{ Width = $width; Name = 'files'; Of = { $files }; Titles = 'FileId ExtractType Status Rows Rejected File' }
            @{ Width = $width; Name = 'rejected rows'; Of = { $rejected }; Titles = 'RowId FileId ExtractType Row Line Reason' }
            @{ Width = $width; Name = 'receipts'; Of = { $receipts }; Titles = 'Status ExtractType Rows Rejected Changes File' }
        }
    ) {
        $lines = Get-Lines (& $Of) $Width
        $lines | Where-Object Length -gt $Width | Should -BeNullOrEmpty
        ($lines -notmatch '^ +Time zone: Pacific/Auckland$')[0] | Should -Match ('^ *' + ($Titles -replace ' ', ' +') + '$')
        $lines -match '\u2026$' | Should -BeNullOrEmpty -Because 'no value is cut at its end'
    }

    It 'tells files of the same name in two folders apart: <Name>' -ForEach @(
        @{ Name = 'new files'; Of = { $new } }
        @{ Name = 'a plan'; Of = { $plan } }
        @{ Name = 'failed files'; Of = { $failed } }
        @{ Name = 'files'; Of = { $files } }
        @{ Name = 'receipts'; Of = { $receipts } }
    ) {
        $lines = Get-Lines (& $Of) 80
        ($lines -match '-north/\S*0000\.csv$').Count | Should -Be ($lines -match '-south/\S*0000\.csv$').Count
        ($lines -match '-north/\S*0000\.csv$').Count | Should -BeGreaterThan 0
    }

    It 'shows more where there is room' {
        (Get-Lines $runs 120) -match " $($run.LoadRunId)$" | Should -HaveCount 1
        (Get-Lines $files 160) -match ' clinic-south/patient_202601020000\.csv$' | Should -Not -BeNullOrEmpty
        (Get-Lines $plan 160) -match 'Batch +Tries +Key$' | Should -Not -BeNullOrEmpty
    }

    It 'is exported with what its lists hold' {
        ($runs | ConvertTo-Csv | ConvertFrom-Csv).Problem | Should -Be 'Failed, LowQuality'
        ($rejected | ConvertTo-Csv | ConvertFrom-Csv).Reason | Sort-Object -Unique | Should -Be field_count, 'patient_id:invalid_integer'
        ($receipts[0] | ConvertTo-Csv | ConvertFrom-Csv).Staging | Should -Match '^stg\.patients: 0 inserted, 0 changed, '
        $files, $failed, $rejected, $receipts, $new, $plan | ForEach-Object { $_ | ConvertTo-Csv } | Should -Not -Match 'System\.|EtlTools\.'

        # They are lists still.
        $rejected[0].Reason[0], $rejected[0].Reason.Count | Should -Be field_count, 1
        $runs.Problem -contains 'LowQuality' | Should -BeTrue
        ($rejected[0] | ConvertTo-Json | ConvertFrom-Json).Reason | Should -Be field_count
    }

    It 'names the code of an error, and what took the place of a file' {
        (Get-Lines $failed 80) -match ' TooManyBadRows +1 now ' | Should -Not -BeNullOrEmpty
        (Get-Lines $receipts 80) -match '^TooManyBadRows +patient +0 +3 ' | Should -Not -BeNullOrEmpty
        (Get-Lines (Get-LoadFile) 80) -match ' replaced by 5 ' | Should -Not -BeNullOrEmpty
    }

    It 'names the file with its folder in errors and previews' {
        $failures[0].Exception.Message | Should -Match '^clinic-(north|south)/patient_202601020000\.csv: 3 of 5 rows are bad'
        $failures[0].TargetObject | Should -Match '^clinic-'
        $preview.File.Key | Should -Match '^clinic-\w+/patient_202601020000\.csv$'
        (Get-Lines $preview 200) -match 'Failed patient clinic-\w+/.2601020000\.csv: 5 rows, 3 rejected' | Should -Not -BeNullOrEmpty
        (Get-Lines $preview 200) -match 'Staging' | Should -BeNullOrEmpty
    }

    It 'shortens <Key> to <Width>: <Shown>' -ForEach @(
        @{ Key = 'a.csv'; Width = 5; Shown = 'a.csv' }
        @{ Key = 'abcdef.csv'; Width = 8; Shown = "`u{2026}def.csv" }
        @{ Key = '/abcdef.csv'; Width = 8; Shown = "`u{2026}def.csv" }
        @{ Key = 'in/north/a.csv'; Width = 12; Shown = 'north/a.csv' }
        @{ Key = 'in\north\visits.csv'; Width = 16; Shown = 'north\visits.csv' }
        @{ Key = 'clinic-north/visits.csv'; Width = 20; Shown = "`u{2026}ic-north/visits.csv" }
        @{ Key = 'C:/Jobs/working/685146_535_Medicine_2508191044.csv'; Width = 20; Shown = "working/`u{2026}8191044.csv" }
    ) {
        [EtlTools.Cmdlets.ShortKey]::Of($Key, $Width) | Should -Be $Shown
    }
}
