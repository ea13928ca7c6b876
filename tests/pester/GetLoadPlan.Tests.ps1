BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Get-LoadPlan' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Add-BrokenFile $scene 2026-01-05
        Start-LoadRun -ErrorAction Ignore | Out-Null
        # Its time to be tried again has come.
        Invoke-TestSql $scene.Connection "UPDATE etl.load_run_files SET finished_at = now() - interval '1 day', started_at = now() - interval '1 day', updated_at = now() - interval '1 day'"
        Add-PatientFile $scene 2026-01-02
        Add-PatientFile $scene 2026-01-01
        Add-PracticeFile $scene 2026-01-03
    }
    AfterAll { Remove-Scene $scene }

    It 'puts failed files first, then parents before children, the oldest first' {
        $plan = Get-LoadPlan
        $plan.FileName | Should -Be 'patient_202601050000.csv', 'practice_202601030000.csv', 'patient_202601010000.csv', 'patient_202601020000.csv'
        $plan.Reason | Should -Be Failed, New, New, New
        $plan.Order | Should -Be 1, 2, 3, 4
        $plan.Batch | Should -Be 1, 2, 3, 3
        $plan[0].Attempts | Should -Be 1
    }

    It 'keeps to type, number, batch size and priority' {
        (Get-LoadPlan patient -First 2).FileName | Should -Be 'patient_202601050000.csv', 'patient_202601010000.csv'
        (Get-LoadPlan -BatchSize 1).Batch | Should -Be 1, 2, 3, 4
        (Get-LoadPlan -Priority patient).ExtractType | Should -Be patient, patient, patient, practice
    }

    It 'refuses a type that the pipeline does not have' {
        Assert-EtlError (Get-FirstError { Get-LoadPlan nosuch -ErrorAction Stop }) ExtractTypeUnknown InvalidArgument
    }
}
