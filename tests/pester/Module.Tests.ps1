BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

Describe 'The module' {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
        $manifestPath = Get-ModulePath
        $manifest = Import-PowerShellDataFile $manifestPath

        # A fresh PowerShell: what is said of the module must hold without what the tests have loaded.
        function Invoke-Fresh([string] $script) {
            $text = & ([Environment]::ProcessPath) -NoProfile -NonInteractive -Command "`$ErrorActionPreference = 'Stop'; `$module = '$manifestPath'; $script" 2>&1
            if ($LASTEXITCODE -ne 0) { throw "$text" }
            $text
        }
    }

    It 'has a valid manifest' {
        { Test-ModuleManifest $manifestPath -ErrorAction Stop } | Should -Not -Throw
        $manifest.Description.Length | Should -BeGreaterThan 50
        $manifest.PrivateData.PSData.Tags | Should -Not -BeNullOrEmpty
    }

    It 'exports what it has, name by name' {
        $manifest.CmdletsToExport -join '' | Should -Not -Match '\*'
        $manifest.FunctionsToExport + $manifest.AliasesToExport + $manifest.VariablesToExport | Should -BeNullOrEmpty
        $real = Invoke-Fresh '(Import-Module (Join-Path (Split-Path $module) bin/EtlCmdlets.dll) -PassThru).ExportedCmdlets.Keys'
        $manifest.CmdletsToExport | Sort-Object | Should -Be ($real | Sort-Object)
    }

    It 'turns away Windows PowerShell and old versions' {
        $manifest.PowerShellVersion | Should -Be 7.6
        $manifest.CompatiblePSEditions | Should -Be Core
    }

    It 'adds nothing but its commands to the session' {
        Invoke-Fresh 'Import-Module $module; (Get-Command -Module EtlTools).Count' | Should -Be $manifest.CmdletsToExport.Count
    }

    It 'can be imported again and again' {
        Invoke-Fresh 'Import-Module $module; Import-Module $module -Force; Remove-Module EtlTools; Import-Module $module; (Get-Command Get-LoadRun).OutputType.Name' |
            Should -Be EtlTools.Core.Runs.LoadRun
    }

    It 'has about topics' {
        (Invoke-Fresh 'Import-Module $module; Get-Help about_EtlTools') -join '' | Should -Match 'about_EtlTools_Pipeline'
        (Invoke-Fresh 'Import-Module $module; Get-Help about_EtlTools_Pipeline') -join '' | Should -Match 'natural_key'
    }

    It 'has the help that docs/cmdlets describes' {
        & (Join-Path (Split-Path $manifestPath) '../scripts/build-help.ps1') -Destination $TestDrive
        $made = Get-Content -Raw (Join-Path $TestDrive EtlCmdlets.dll-Help.xml)
        $made -eq (Get-Content -Raw (Join-Path (Split-Path $manifestPath) en-US/EtlCmdlets.dll-Help.xml)) |
            Should -BeTrue -Because 'scripts/build-help.ps1 is to be run after a change to docs/cmdlets or to a parameter'
    }

    It 'describes every command in docs/cmdlets, and no other' {
        $pages = (Get-ChildItem (Join-Path (Split-Path $manifestPath) '../docs/cmdlets') -Filter *.md).BaseName | Where-Object { $_ -ne 'common-parameters' }
        $pages | Sort-Object | Should -Be ($manifest.CmdletsToExport | Sort-Object)
    }
}

Describe 'Parameters that are read kindly' {
    BeforeAll {
        Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
        Import-Module (Get-ModulePath)
        $assembly = (Get-Command Get-LoadRun).ImplementingType.Assembly

        function Read-With([string] $attribute, $value) {
            $type = $assembly.GetType("EtlTools.Cmdlets.Parameters.${attribute}Attribute")
            [Activator]::CreateInstance($type).Transform($null, $value)
        }
    }

    It 'reads the duration <Text> as <Expected>' -ForEach @(
        @{ Text = '30d'; Expected = '30.00:00:00' }
        @{ Text = '24h'; Expected = '1.00:00:00' }
        @{ Text = '90m'; Expected = '01:30:00' }
        @{ Text = '45s'; Expected = '00:00:45' }
        @{ Text = '1d12h'; Expected = '1.12:00:00' }
        @{ Text = ' 1.5 h '; Expected = '01:30:00' }
        @{ Text = '2'; Expected = '02:00:00' }
        @{ Text = 2; Expected = '02:00:00' }
        @{ Text = 0.5; Expected = '00:30:00' }
        @{ Text = '1.12:00:00'; Expected = '1.12:00:00' }
        @{ Text = '00:05:00'; Expected = '00:05:00' }
        @{ Text = [timespan]::FromDays(1); Expected = '1.00:00:00' }
    ) {
        Read-With Duration $Text | Should -Be ([timespan] $Expected)
    }

    It 'reads a duration as it is typed, where PowerShell sees a number' {
        # 30d is a decimal and 45s a short to PowerShell.
        $duration = [scriptblock]::Create('param([EtlTools.Cmdlets.Parameters.Duration()] $Value) $Value')
        & $duration 30d | Should -Be ([timespan]::FromDays(30))
        & $duration 45s | Should -Be ([timespan]::FromSeconds(45))
        & $duration 2 | Should -Be ([timespan]::FromHours(2))
        $instant = [scriptblock]::Create('param([EtlTools.Cmdlets.Parameters.Instant()] $Value) $Value')
        & $instant 7d | Should -BeLessThan ([datetimeoffset]::Now.AddDays(-6))
    }

    It 'refuses the duration "<Text>"' -ForEach @(@{ Text = 'soon' }, @{ Text = '' }, @{ Text = '-1d' }, @{ Text = -1 }, @{ Text = '1x' }, @{ Text = '99999999999d' }) {
        { Read-With Duration $Text } | Should -Throw -ExpectedMessage '*30d, 24h, 90m*'
    }

    It 'reads the rate <Text> as <Expected>' -ForEach @(
        @{ Text = '5%'; Expected = 0.05 }
        @{ Text = '5 %'; Expected = 0.05 }
        @{ Text = 0.05; Expected = 0.05 }
        @{ Text = '0.05'; Expected = 0.05 }
        @{ Text = 0; Expected = 0 }
        @{ Text = '100%'; Expected = 1 }
    ) {
        Read-With Rate $Text | Should -Be $Expected
    }

    It 'refuses the rate "<Text>"' -ForEach @(@{ Text = 5 }, @{ Text = '101%' }, @{ Text = '-1%' }, @{ Text = 'much' }, @{ Text = $null }) {
        { Read-With Rate $Text } | Should -Throw -ExpectedMessage '*0.05 or 5%*'
    }

    It 'reads a moment: a date with a zone, without, and a time ago' {
        Read-With Instant '2026-01-31T08:00:00+13:00' | Should -Be ([datetimeoffset] '2026-01-31T08:00:00+13:00')
        Read-With Instant '2026-01-31' | Should -Be ([datetimeoffset] [datetime] '2026-01-31')
        Read-With Instant ([datetime]::new(2026, 1, 31, 0, 0, 0, [System.DateTimeKind]::Utc)) | Should -Be ([datetimeoffset]::new(2026, 1, 31, 0, 0, 0, 0))
        $ago = [datetimeoffset]::Now - (Read-With Instant '7d')
        $ago | Should -BeGreaterThan ([timespan]::FromHours(167))
        $ago | Should -BeLessThan ([timespan]::FromHours(169))
        Read-With Instant '08:00' | Should -Be ([datetimeoffset] [datetime]::Today.AddHours(8))
        { Read-With Instant 'once' } | Should -Throw -ExpectedMessage '*7d, 24h*'
    }

    It 'uses them everywhere' {
        foreach ($parameter in (Get-Command -Module EtlTools).Parameters.Values) {
            $wanted = switch ($parameter.ParameterType) {
                ([timespan]) { 'DurationAttribute' }
                # How many times the usual is no share.
                ([System.Nullable[double]]) { if ($parameter.Name -notlike '*Factor') { 'RateAttribute' } }
                ([System.Nullable[datetimeoffset]]) { 'InstantAttribute' }
            }
            if ($wanted) {
                $parameter.Attributes.TypeId.Name | Should -Contain $wanted -Because $parameter.Name
            }
        }
    }
}
