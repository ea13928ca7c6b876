# What stands in patients' records must not leave by an error, a warning, a log or a view.
BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'A planted name' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        $planted = 'Aroha Planted-Name'
    }
    AfterAll { Remove-Scene $scene }

    It 'is in the tables, and shows nowhere else, whatever goes wrong' {
        Add-PatientFile $scene 2026-01-01 -Id (1..200) -Line @(
            "$planted,1,$planted,1980-02-28"        # a key that is no number
            "201,1,$planted,$planted"               # a date that is none
            "202,$planted,$planted,1980-02-28"      # a number that is none
            "203,1,$planted,1980-02-28,$planted"    # a field too many
            "204,$planted"                          # fields too few
            "205,1,`0$planted,1980-02-28"           # NUL
            "206,1,`"$planted`"$planted,1980-02-28" # text after a quote
        )
        Add-BrokenFile $scene 2026-01-02
        Add-PatientFile $scene 2026-01-03 -Line "300,1,`"$planted,1980-02-28" # a quote that never ends
        $wrong = Join-Path $scene.Source patient_202601040000.csv
        [System.IO.File]::WriteAllText($wrong, "patient_id,practice_id,name,born`n1,1,$planted,1980-02-28`n", [System.Text.Encoding]::BigEndianUnicode)

        $said = & {
            $ErrorActionPreference = 'Continue' # what goes wrong is the subject, so nothing stops at it
            $run = Start-LoadRun -MaxConcurrency 1 -Verbose -Debug
            Get-LoadRun | Format-List *
            Get-LoadRun | Format-Table
            $run | Get-LoadFile | Format-List *
            Find-FailedFile | Format-List *
            Get-RejectedRow | Format-List *
            try { Get-RejectedRow -Stage staging | Repair-RejectedRow -Value @{ born = $planted } -Reason x -Verbose -Debug }
            catch { $_.FullyQualifiedErrorId }
            Find-FailedFile | Invoke-Reprocess -Reason x -PassThru -Verbose -Debug | Format-List *
            $run | Invoke-Reprocess -Reason x -WhatIf -Verbose -Debug | Format-List *
            $run | Invoke-Reprocess -Reason x -PassThru -Verbose -Debug -OutVariable receipts | Format-List *
            $receipts | Where-Object ReceiptId | Undo-Reprocess -Reason x -Confirm:$false -PassThru -Verbose -Debug | Format-List *
            Test-StagingIntegrity -Verbose -Debug | Format-List *
            $Error | ForEach-Object { $_ | Format-List * -Force; $_.Exception | Format-List * -Force; "$($_.Exception)" }
        } *>&1 | Out-String -Width 1000

        (Invoke-TestSql $scene.Connection "SELECT count(*) AS n FROM stg.patients WHERE name = '$planted'").n | Should -BeGreaterThan 199
        $said | Should -Match 'patient_202601010000\.csv'
        $said | Should -Not -Match 'Planted'
        (Invoke-TestSql $scene.Connection "SELECT count(*) AS n FROM etl.load_runs r WHERE r::text LIKE '%Planted%'").n | Should -Be 0
        (Invoke-TestSql $scene.Connection "SELECT count(*) AS n FROM etl.load_run_files f WHERE f::text LIKE '%Planted%'").n | Should -Be 0
    }
}
