BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Find-NewFile' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        Add-PracticeFile $scene 2026-01-01
        Add-PatientFile $scene 2026-01-01
        Start-LoadRun | Out-Null
        Add-PatientFile $scene 2026-01-02
        Add-PatientFile $scene 2026-01-03
    }
    AfterAll { Remove-Scene $scene }

    It 'finds files that have not been loaded' {
        $found = Find-NewFile
        $found.FileName | Should -Be 'patient_202601020000.csv', 'patient_202601030000.csv'
        $found.TimeZone | Should -Be 'Pacific/Auckland', 'Pacific/Auckland'
    }

    It 'keeps to type, dates and number' {
        Find-NewFile practice | Should -BeNullOrEmpty
        (Find-NewFile -To 2026-01-03).FileName | Should -Be 'patient_202601020000.csv'
        @(Find-NewFile -First 1) | Should -HaveCount 1
    }

    It 'refuses a span of time that holds nothing' {
        { Find-NewFile -From 2026-01-03 -To 2026-01-02 -ErrorAction Stop } | Should -Throw -ErrorId 'DateRangeEmpty*'
    }

    It 'reads a date that has a zone in the pipeline''s own' {
        # Noon of the 1st in London is the 2nd in Auckland.
        $noon = [datetime]::new(2026, 1, 1, 12, 0, 0, [System.DateTimeKind]::Utc)
        (Find-NewFile -From $noon).FileName | Should -Be 'patient_202601030000.csv'
        (Find-NewFile -From $noon.AddHours(-1)).FileName | Should -Be 'patient_202601020000.csv', 'patient_202601030000.csv'
    }

    It 'shows a loaded file with other content as changed' {
        Add-PatientFile $scene 2026-01-01 -Id 1, 2, 3
        (Find-NewFile -To 2026-01-02).Reason | Should -Be Changed
    }

    It 'says that folders are not looked into where there is nothing else' {
        $north = New-Item -ItemType Directory (Join-Path $scene.Folder elsewhere/north)
        Copy-Item (Add-PatientFile $scene 2026-01-02) $north
        $pipeline = Join-Path $scene.Folder elsewhere.yaml
        (Get-Content -Raw $scene.Pipeline) -replace 'path: .*', "path: $(Split-Path $north)" | Set-Content $pipeline
        foreach ($command in 'Find-NewFile', 'Get-LoadPlan', 'Start-LoadRun') {
            & $command -Pipeline $pipeline -WarningVariable warnings -WarningAction SilentlyContinue 6> $null | Should -BeNullOrEmpty
            $warnings | Should -Match '^north/: .*recurse: true.*\(FoldersNotRead\)$'
        }

        (Get-Content -Raw $pipeline) -replace '  kind: folder', "  kind: folder`n  recurse: true" | Set-Content $pipeline
        (Find-NewFile -Pipeline $pipeline -WarningVariable warnings).Key | Should -Be north/patient_202601020000.csv
        $warnings | Should -BeNullOrEmpty
    }

    It 'warns of a name that says nothing, and goes on' {
        1..12 | ForEach-Object { Set-Content (Join-Path $scene.Source "strange$_.csv") x }
        $found = Find-NewFile -From 2026-01-02 -WarningVariable warnings -WarningAction SilentlyContinue
        @($found) | Should -HaveCount 2
        $warnings | Should -HaveCount 11
        $warnings[0] | Should -Match 'FileNameNotRecognised'
        $warnings[10] | Should -Match '2 more files; -Verbose'
        Remove-Item (Join-Path $scene.Source strange*)
    }

    It 'gives the first file before it has listed the last' {
        Find-NewFile | Select-Object -First 1 | Should -HaveCount 1
    }

    It 'refuses a folder that is not there' {
        $elsewhere = Join-Path $scene.Folder elsewhere.yaml
        Set-Content $elsewhere "extends: ./clinic.yaml`nname: clinic`nsource: {kind: folder, path: ./nowhere}"
        Assert-EtlError (Get-FirstError { Find-NewFile -Pipeline $elsewhere -ErrorAction Stop }) SourceNotFound
    }

    It 'refuses an S3 endpoint that does not answer' {
        $bucket = Join-Path $scene.Folder bucket.yaml
        Set-Content $bucket "extends: ./clinic.yaml`nname: clinic`nsource: {kind: s3, bucket: a-bucket, endpoint: 'http://127.0.0.1:9'}"
        $before = $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY
        $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY = 'x', 'x'
        try {
            Assert-EtlError (Get-FirstError { Find-NewFile -Pipeline $bucket -ErrorAction Stop }) SourceUnavailable ResourceUnavailable
        }
        finally {
            $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY = $before
        }
    }
}
