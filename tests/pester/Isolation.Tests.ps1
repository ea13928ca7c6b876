# A session may hold other modules' libraries under the names that ours bear.
BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'Isolation' {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
        $module = Get-ModulePath
        $pwsh = [Environment]::ProcessPath
        $foreign = New-Item -ItemType Directory (Join-Path $TestDrive foreign)

        # Other modules' libraries: the right names, other versions, other content.
        foreach ($name in 'Npgsql', 'AWSSDK.Core', 'AWSSDK.S3', 'Dapper', 'YamlDotNet', 'CsvHelper') {
            $code = "using System.Reflection; [assembly: AssemblyVersion(`"99.0.0.0`")] namespace Foreign { public static class Marker$($name -replace '\W') { } }"
            & $pwsh -NoProfile -Command "Add-Type -TypeDefinition '$code' -OutputAssembly '$(Join-Path $foreign "$name.dll")'"
        }

        $pipeline = Join-Path $TestDrive s3.yaml
        Set-Content $pipeline "extends: indici`nname: test`nsource: {kind: s3, bucket: a-bucket, endpoint: 'http://127.0.0.1:9'}"

        # Reaches into PostgreSQL, S3 and YAML code, and says which error came of it.
        $useAll = @"
            try { Get-LoadRun -Connection 'Host=127.0.0.1;Port=9;Database=x;Username=x' -ErrorAction Stop } catch { `$_.FullyQualifiedErrorId }
            try { Find-NewFile -Connection 'Host=127.0.0.1;Port=9;Database=x;Username=x' -Pipeline '$pipeline' -ErrorAction Stop } catch { `$_.FullyQualifiedErrorId }
"@
        $loadForeign = "Get-ChildItem '$foreign' -Filter *.dll | ForEach-Object { [void] [System.Reflection.Assembly]::LoadFrom(`$_.FullName) }"

        function Invoke-Fresh([string] $script) {
            $before = $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY
            $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY = 'x', 'x'
            try { & $pwsh -NoProfile -NonInteractive -Command $script 2>&1 }
            finally { $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY = $before }
        }
    }

    It 'works where other versions of its libraries were loaded before' {
        $answers = Invoke-Fresh "$loadForeign; Import-Module '$module'; $useAll"
        $answers | Should -HaveCount 2
        $answers[0] | Should -Match '^DatabaseUnreachable,'
        $answers[1] | Should -Match '^SourceUnavailable,'
    }

    It 'works where other versions of its libraries are loaded after' {
        $answers = Invoke-Fresh "Import-Module '$module'; $loadForeign; $useAll"
        $answers[0] | Should -Match '^DatabaseUnreachable,'
        $answers[1] | Should -Match '^SourceUnavailable,'
    }

    It 'leaves other modules what they loaded' {
        Invoke-Fresh "Import-Module '$module'; `$null = . { $useAll }; $loadForeign; [Foreign.MarkerNpgsql].Assembly.GetName().Version.Major" |
            Select-Object -Last 1 | Should -Be 99
    }

    It 'keeps the engine and its libraries in a load context of their own' {
        $contexts = Invoke-Fresh @"
            Import-Module '$module'; `$null = . { $useAll }
            foreach (`$assembly in [System.AppDomain]::CurrentDomain.GetAssemblies()) {
                if (`$assembly.GetName().Name -match '^(EtlTools\.Core|Npgsql|AWSSDK\..+|Dapper|YamlDotNet|EtlCmdlets)$') {
                    "`$(`$assembly.GetName().Name)=`$([System.Runtime.Loader.AssemblyLoadContext]::GetLoadContext(`$assembly).Name)"
                }
            }
"@
        $contexts | Should -Contain 'EtlTools.Core=EtlTools'
        $contexts | Should -Contain 'Npgsql=EtlTools'
        $contexts | Should -Contain 'EtlCmdlets=Default'
        $contexts | Where-Object { $_ -notmatch '=EtlTools$' } | Should -Be 'EtlCmdlets=Default'
    }
}
