BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Connecting' -Skip:(-not (Test-PostgresServer)) {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene
        $parts = [System.Data.Common.DbConnectionStringBuilder]@{ ConnectionString = $scene.Connection }
        $variables = 'PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGPASSWORD', 'PGHOSTADDR', 'PGSERVICE', 'ETL_PIPELINE', 'ETL_CONFIG'
        $before = @{}
        foreach ($variable in $variables) { $before[$variable] = [Environment]::GetEnvironmentVariable($variable) }

        $profiles = Join-Path $scene.Folder etl.yaml
        Set-Content $profiles @"
profiles:
  clinic:
    host: $($parts.Host)
    port: $($parts.Port)
    database: $($parts.Database)
    username: $($parts.Username)
    password_env: CLINIC_PASSWORD
    pipeline: $($scene.Pipeline)
"@
        $env:CLINIC_PASSWORD = $parts.ContainsKey('Password') ? $parts.Password : 'none'
    }
    BeforeEach {
        Disconnect-EtlDatabase -ErrorAction Ignore
        foreach ($variable in $variables) { [Environment]::SetEnvironmentVariable($variable, $null) }
        $env:ETL_CONFIG = $profiles
    }
    AfterAll {
        foreach ($variable in $variables) { [Environment]::SetEnvironmentVariable($variable, $before[$variable]) }
        $env:CLINIC_PASSWORD = $null
        Remove-Scene $scene
    }

    Context 'Connect-EtlDatabase' {
        It 'is silent, and serves the commands that follow' {
            Connect-EtlDatabase $scene.Connection -Pipeline $scene.Pipeline | Should -BeNullOrEmpty
            { Get-LoadPlan -ErrorAction Stop } | Should -Not -Throw
        }

        It 'says what answered with -PassThru, and never the password' {
            $connection = Connect-EtlDatabase $scene.Connection -PassThru
            $connection.Database | Should -Be $parts.Database
            $connection.Schema | Should -Be Current
            $connection.IsOpen | Should -BeTrue
            "$connection" | Should -Be "$($parts.Username)@$($parts.Host):$($parts.Port)/$($parts.Database)"
        }

        It 'takes a profile, and its pipeline' {
            $connection = Connect-EtlDatabase -Profile clinic -PassThru
            $connection.Database | Should -Be $parts.Database
            $connection.Pipeline | Should -Be $scene.Pipeline
            (Connect-EtlDatabase -Profile clinic -ConfigurationFile $profiles -PassThru).Database | Should -Be $parts.Database
        }

        It 'takes user and password as a credential' {
            $credential = [pscredential]::new($parts.Username, (ConvertTo-SecureString $env:CLINIC_PASSWORD -AsPlainText -Force))
            $text = "Host=$($parts.Host);Port=$($parts.Port);Database=$($parts.Database);Username=nobody"
            (Connect-EtlDatabase $text -Credential $credential -PassThru).User | Should -Be $parts.Username
        }

        It 'takes the PG variables' {
            $env:PGHOST, $env:PGPORT, $env:PGDATABASE, $env:PGUSER, $env:PGPASSWORD = $parts.Host, $parts.Port, $parts.Database, $parts.Username, $env:CLINIC_PASSWORD
            (Connect-EtlDatabase -PassThru).Database | Should -Be $parts.Database
        }

        It 'warns where the schema is not there' {
            $empty = New-TestDatabase
            try {
                Connect-EtlDatabase $empty -WarningVariable warnings -WarningAction SilentlyContinue
                $warnings | Should -Match 'Initialize-EtlDatabase'

                # One that a later version has made.
                Initialize-EtlDatabase -Connection $empty | Out-Null
                Invoke-TestSql $empty "INSERT INTO etl.schema_migrations VALUES (9999, 'later', 'x')" | Out-Null
                Connect-EtlDatabase $empty -WarningVariable warnings -WarningAction SilentlyContinue
                $warnings | Should -Match 'Newer. Update the EtlTools module'
                Disconnect-EtlDatabase
            }
            finally {
                Remove-TestDatabase $empty
            }
        }

        It 'refuses <What>' -ForEach @(
            @{ What = 'a server that is not there'; Text = 'Host=127.0.0.1;Port=9;Database=x;Username=x;Timeout=5'; Id = 'DatabaseUnreachable' }
            @{ What = 'an unknown keyword'; Text = 'Host=127.0.0.1;Secret-Keyword=Planted-Name'; Id = 'ConnectionStringInvalid' }
            @{ What = 'a text that is no connection string'; Text = 'Planted-Name'; Id = 'ConnectionStringInvalid' }
        ) {
            Assert-EtlError (Get-FirstError { Connect-EtlDatabase $Text }) $Id
        }

        It 'refuses a wrong database and an unknown profile, and keeps the connection that was there' {
            Connect-EtlDatabase $scene.Connection -Pipeline $scene.Pipeline
            $wrong = $scene.Connection -replace $parts.Database, 'no_such_database'
            $failure = Get-FirstError { Connect-EtlDatabase $wrong }
            Assert-EtlError $failure DatabaseNotFound
            "$failure" | Should -Match "^Still connected to \S+/$($parts.Database)\. "
            Assert-EtlError (Get-FirstError { Connect-EtlDatabase -Profile nosuch }) ProfileNotFound ObjectNotFound
            { Get-LoadPlan -ErrorAction Stop } | Should -Not -Throw
        }
    }

    Context 'The folder of the session' {
        AfterEach { Pop-Location }

        It 'is where etl.yaml is found, whatever the folder of the process' {
            $folder = New-Item -ItemType Directory (Join-Path $scene.Folder session)
            Copy-Item $profiles (Join-Path $folder etl.yaml)
            Push-Location $folder
            $env:ETL_CONFIG = $null
            (Connect-EtlDatabase -Profile clinic -PassThru).Pipeline | Should -Be $scene.Pipeline
            Disconnect-EtlDatabase
            (Get-LoadRun -Connection clinic -ErrorAction Stop) | Should -BeNullOrEmpty
        }

        It 'is named where etl.yaml is not there, with what belongs into it' {
            Push-Location (New-Item -ItemType Directory (Join-Path $scene.Folder empty))
            $env:ETL_CONFIG = $null
            $failure = Get-FirstError { Get-TableStatus -Connection $scene.Connection -ErrorAction Stop }
            Assert-EtlError $failure SourceNotFound ObjectNotFound
            "$failure" | Should -Match ([regex]::Escape((Join-Path $PWD etl.yaml)))
            $failure.ErrorDetails.RecommendedAction | Should -Match 'sources:\s+opendental:\s+host: '
        }
    }

    Context 'Connect-EtlDatabase -Pipeline' {
        BeforeAll {
            $wrong = Join-Path $scene.Folder several.yaml
            Set-Content $wrong 'extends: csv', 'name: wrong', 'nosuch_setting: 1', 'extract_types:', '  a: {tabel: b}'
        }

        It 'refuses a pipeline that is not there, or that has nothing to load' {
            Assert-EtlError (Get-FirstError { Connect-EtlDatabase $scene.Connection -Pipeline ./nosuch.yaml }) PipelineNotFound ObjectNotFound
            $failure = Get-FirstError { Connect-EtlDatabase $scene.Connection -Pipeline csv }
            Assert-EtlError $failure PipelineInvalid
            "$failure" | Should -Match 'no extract types'
            "$failure" | Should -Not -Match 'Still connected'
            Assert-EtlError (Get-FirstError { Get-LoadRun }) NotConnected
        }

        It 'tells every mistake, each in a line of its own' {
            $failure = Get-FirstError { Connect-EtlDatabase $scene.Connection -Pipeline $wrong }
            Assert-EtlError $failure PipelineInvalid
            "$failure" | Should -Match 'several\.yaml:3: .+ expected .+\(and 2 more, below\)$'
            $lines = $failure.ErrorDetails.RecommendedAction -split "`n"
            $lines | Should -HaveCount 3
            $lines[1..2] | Should -Match '^    \S+several\.yaml:5: '
            $failure.Exception.Message -split "`n" | Should -HaveCount 3
        }

        It 'refuses it in a profile too' {
            $broken = Join-Path $scene.Folder broken-etl.yaml
            (Get-Content $profiles -Raw).Replace($scene.Pipeline, $wrong) | Set-Content $broken
            Assert-EtlError (Get-FirstError { Connect-EtlDatabase -Profile clinic -ConfigurationFile $broken }) PipelineInvalid
        }
    }

    Context 'Disconnect-EtlDatabase' {
        It 'forgets the connection' {
            Connect-EtlDatabase $scene.Connection
            Disconnect-EtlDatabase | Should -BeNullOrEmpty
            Assert-EtlError (Get-FirstError { Get-LoadRun }) NotConnected ConnectionError
        }

        It 'closes the connection from the pipeline, and only that' {
            $first = Connect-EtlDatabase $scene.Connection -PassThru
            $second = Connect-EtlDatabase $scene.Connection -PassThru
            $first | Disconnect-EtlDatabase
            $first.IsOpen | Should -BeFalse
            Assert-EtlError (Get-FirstError { Get-LoadRun -Connection $first }) NotConnected ConnectionError
            { Get-LoadRun -ErrorAction Stop } | Should -Not -Throw
            $second.IsOpen | Should -BeTrue
        }

        It 'says where there is nothing to close' {
            Assert-EtlError (Get-FirstError { Disconnect-EtlDatabase -ErrorAction Stop }) NotConnected
        }
    }

    Context '-Connection' {
        It 'takes a connection string, a URI, a profile, and a connection' {
            $uri = "postgresql://$($parts.Username):$($env:CLINIC_PASSWORD)@$($parts.Host):$($parts.Port)/$($parts.Database)"
            $open = Connect-EtlDatabase $scene.Connection -PassThru
            Disconnect-EtlDatabase -Connection (Connect-EtlDatabase $scene.Connection -PassThru)
            foreach ($connection in $scene.Connection, $uri, 'clinic', $open) {
                { Get-LoadRun -Connection $connection -ErrorAction Stop } | Should -Not -Throw
            }
        }

        It 'brings the profile''s pipeline' {
            { Get-LoadPlan -Connection clinic -ErrorAction Stop } | Should -Not -Throw
        }

        It 'is not asked for where the environment names a database' {
            $env:PGHOST, $env:PGPORT, $env:PGDATABASE, $env:PGUSER, $env:PGPASSWORD = $parts.Host, $parts.Port, $parts.Database, $parts.Username, $env:CLINIC_PASSWORD
            { Get-LoadRun -ErrorAction Stop } | Should -Not -Throw
        }
    }

    Context '-Pipeline' {
        It 'is missed with a next step' {
            Connect-EtlDatabase $scene.Connection
            Assert-EtlError (Get-FirstError { Get-LoadPlan }) PipelineMissing
        }

        It 'takes a path from PowerShell''s own location' {
            Connect-EtlDatabase $scene.Connection
            Push-Location $scene.Folder
            try {
                { Get-LoadPlan -Pipeline ./clinic.yaml -ErrorAction Stop } | Should -Not -Throw
            }
            finally {
                Pop-Location
            }
        }

        It 'comes from ETL_PIPELINE last' {
            Connect-EtlDatabase $scene.Connection
            $env:ETL_PIPELINE = $scene.Pipeline
            { Get-LoadPlan -ErrorAction Stop } | Should -Not -Throw
        }

        It 'is refused with file and line where it has a mistake' {
            $wrong = Join-Path $scene.Folder wrong.yaml
            Set-Content $wrong "extends: csv`nname: wrong`nnosuch_setting: 1"
            Connect-EtlDatabase $scene.Connection
            $failure = Get-FirstError { Get-LoadPlan -Pipeline $wrong }
            Assert-EtlError $failure PipelineInvalid
            $failure.Exception.Message | Should -Match 'wrong\.yaml.*3'
            Assert-EtlError (Get-FirstError { Get-LoadPlan -Pipeline nosuch }) PipelineNotFound
        }
    }

    Context 'Runspaces' {
        It 'have a connection each' {
            Connect-EtlDatabase $scene.Connection
            $module = Get-ModulePath
            $inside = 1..2 | ForEach-Object -Parallel {
                Import-Module $using:module
                try { Get-LoadRun -ErrorAction Stop | Out-Null; 'connected' } catch { $_.FullyQualifiedErrorId }
            }
            $inside | Should -Match '^NotConnected'
        }

        It 'can be given one' {
            $connection = Connect-EtlDatabase $scene.Connection -PassThru
            $module = Get-ModulePath
            $inside = 1..2 | ForEach-Object -Parallel {
                Import-Module $using:module
                try { Get-LoadRun -Connection $using:connection -ErrorAction Stop | Out-Null; 'connected' } catch { $_.FullyQualifiedErrorId }
            }
            $inside | Should -Be connected, connected
        }
    }
}
