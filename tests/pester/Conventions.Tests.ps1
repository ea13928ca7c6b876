# What holds for every command of the module. A new command is covered without a line here.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
    Import-Module (Get-ModulePath) -Force

    $commands = Get-Command -Module EtlTools | Sort-Object Name
    $all = $commands | ForEach-Object { @{ Name = $_.Name } }
    $changing = $commands | Where-Object Verb -in Start, Stop, Invoke, Initialize, Undo, Repair, Remove, Clear, Set, New, Update, Unregister |
        ForEach-Object { @{ Name = $_.Name } }
    $actingOnInput = $commands | Where-Object Verb -ne Get | ForEach-Object { @{ Name = $_.Name } }
    $outputTypes = $commands.OutputType.Type | Where-Object FullName -Like 'EtlTools.*' | Sort-Object FullName -Unique |
        ForEach-Object { @{ TypeName = $_.FullName } }
    $common = [System.Management.Automation.Cmdlet]::CommonParameters + [System.Management.Automation.Cmdlet]::OptionalCommonParameters
    $parameterNames = $commands | ForEach-Object { $_.Parameters.Keys } | Where-Object { $_ -notin $common } | Sort-Object -Unique |
        ForEach-Object { @{ ParameterName = $_ } }
    $examples = foreach ($command in $commands) {
        $number = 0
        foreach ($example in (Get-Help $command.Name).examples.example) {
            @{ Name = $command.Name; Number = ++$number; Code = $example.code }
        }
    }
}

BeforeAll {
    Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1"
    Import-Module (Get-ModulePath) -Force

    $sources = Join-Path (Split-Path (Get-ModulePath)) '../src/EtlCmdlets'
    $common = [System.Management.Automation.Cmdlet]::CommonParameters + [System.Management.Automation.Cmdlet]::OptionalCommonParameters

    function Get-OwnParameter($command) {
        $command.Parameters.Values | Where-Object Name -notin $common
    }

    function Get-Source([string] $name) {
        $file = Get-ChildItem $sources -Recurse -Filter "$($name -replace '-')Command.cs"
        $file | Should -HaveCount 1 -Because 'one command stands in one file'
        Get-Content -Raw $file
    }

    function Get-OutputType {
        (Get-Command -Module EtlTools).OutputType.Type | Where-Object FullName -Like 'EtlTools.*'
    }
}

Describe '<Name>' -ForEach $all {
    BeforeAll {
        $command = Get-Command $Name
        $type = $command.ImplementingType
    }

    It 'has an approved verb and a singular noun' {
        $command.Verb | Should -BeIn (Get-Verb).Verb
        $command.Noun | Should -Not -Match '[^su]s$'
    }

    It 'is a sealed public class of the name' {
        $type.IsSealed | Should -BeTrue
        $type.IsPublic | Should -BeTrue
        $type.Name | Should -BeExactly "$($Name -replace '-')Command"
    }

    It 'says what it returns' {
        $command.OutputType | Should -Not -BeNullOrEmpty
        $command.OutputType.Type | Should -Not -Contain ([object])
    }

    It 'has no parameter that hides a common one' {
        $declared = $type.GetProperties() | Where-Object { $_.GetCustomAttributes([Parameter], $true) }
        $declared.Name | Where-Object { $_ -in $common } | Should -BeNullOrEmpty
    }

    It 'has switches, not bool parameters' {
        (Get-OwnParameter $command).ParameterType | Should -Not -Contain ([bool])
    }

    It 'offers or fixes every choice' {
        $freeText = 'ConnectionString', 'ConfigurationFile', 'Key', 'LiteralPath', 'Path', 'Reason', 'ReportPath', 'TableConfig'
        foreach ($parameter in Get-OwnParameter $command | Where-Object { $_.ParameterType -in [string], [string[]] -and $_.Name -notin $freeText }) {
            $helpers = $parameter.Attributes | Where-Object { $_ -is [ValidateSet] -or $_ -is [ArgumentCompleter] }
            $helpers | Should -Not -BeNullOrEmpty -Because "-$($parameter.Name) is a choice"
        }
    }

    It 'takes at most one parameter by value in a set' {
        foreach ($set in $command.ParameterSets) {
            @($set.Parameters | Where-Object ValueFromPipeline).Count | Should -BeLessOrEqual 1 -Because $set.Name
        }
    }

    It 'pairs Path with LiteralPath' {
        if ($command.Parameters.ContainsKey('Path')) {
            $command.Parameters.Keys | Should -Contain 'LiteralPath'
        }
    }

    It 'takes a credential as PSCredential' {
        foreach ($parameter in Get-OwnParameter $command | Where-Object Name -match 'Credential$') {
            $parameter.ParameterType | Should -Be ([pscredential])
        }
        $command.Parameters.Keys | Should -Not -Match 'Password'
    }

    It 'asks beside ShouldContinue only where -Force can say yes' {
        if ((Get-Source $Name).Contains('ShouldContinue')) {
            $command.Parameters.Keys | Should -Contain 'Force'
        }
    }

    It 'fits on a page or two' {
        @((Get-Source $Name) -split "`n").Count | Should -BeLessOrEqual 160
    }

    It 'has help: synopsis, description, every parameter, an example' {
        $help = Get-Help $Name -Full
        $help.Synopsis | Should -Match '\w+ \w+'
        $help.Synopsis | Should -Not -Match "^\s*$Name "
        $help.description.Text | Should -Not -BeNullOrEmpty
        $help.examples.example | Should -Not -BeNullOrEmpty
        foreach ($parameter in $command.Parameters.Keys | Where-Object { $_ -notin [System.Management.Automation.Cmdlet]::CommonParameters }) {
            $text = ($help.parameters.parameter | Where-Object name -eq $parameter).description.Text
            $text | Should -Not -BeNullOrEmpty -Because "-$parameter needs a text"
        }
        foreach ($described in $help.parameters.parameter.name) {
            $command.Parameters.Keys | Should -Contain $described
        }
    }
}

Describe '<Name> changes something, and therefore' -ForEach $changing {
    BeforeAll {
        $command = Get-Command $Name
        $attribute = $command.ImplementingType.GetCustomAttributes([System.Management.Automation.CmdletAttribute], $false)[0]
    }

    It 'supports -WhatIf and -Confirm, and asks' {
        $attribute.SupportsShouldProcess | Should -BeTrue
        Get-Source $Name | Should -Match 'Confirmed\('
    }

    It 'warns hard where it takes something away' {
        if ($command.Verb -in 'Remove', 'Clear', 'Undo') {
            $attribute.ConfirmImpact | Should -Be High
        }
    }
}

Describe '<Name> is not a Get command, and therefore' -ForEach $actingOnInput {
    It 'accepts pipeline input' {
        $sets = (Get-Command $Name).ParameterSets
        @($sets.Parameters | Where-Object { $_.ValueFromPipeline -or $_.ValueFromPipelineByPropertyName }) | Should -Not -BeNullOrEmpty
    }
}

Describe 'The parameter -<ParameterName>' -ForEach $parameterNames {
    It 'has one type everywhere' {
        $types = (Get-Command -Module EtlTools).Parameters.Values | Where-Object Name -eq $ParameterName | ForEach-Object ParameterType
        if ($ParameterName -eq 'Status') {
            # The status of what the command's noun names: each has its own values.
            $types | ForEach-Object { $_.GetElementType().IsEnum | Should -BeTrue }
        }
        else {
            @($types | Sort-Object FullName -Unique) | Should -HaveCount 1
        }
    }
}

Describe 'Example <Number> of <Name>' -ForEach $examples {
    BeforeAll {
        $errors = $null
        $ast = [System.Management.Automation.Language.Parser]::ParseInput($Code, [ref] $null, [ref] $errors)
        $calls = @($ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] }, $true))
    }

    It 'parses' {
        $errors | Should -BeNullOrEmpty
    }

    It 'shows the command' {
        @(foreach ($call in $calls) { $call.GetCommandName() }) | Should -Contain $Name
    }

    It 'uses parameters that exist' {
        foreach ($call in $calls) {
            $command = Get-Command $call.GetCommandName() -ErrorAction Stop
            foreach ($element in $call.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] }) {
                { $command.ResolveParameter($element.ParameterName) } | Should -Not -Throw -Because $call.Extent.Text
            }
        }
    }
}

Describe 'The output type <TypeName>' -ForEach $outputTypes {
    BeforeAll {
        $type = Get-OutputType | Where-Object FullName -eq $TypeName | Select-Object -First 1
        [xml] $formats = Get-Content -Raw (Join-Path (Split-Path (Get-ModulePath)) 'EtlTools.Format.ps1xml')
        $views = @($formats.Configuration.ViewDefinitions.View | Where-Object { $_.ViewSelectedBy.TypeName -eq $TypeName })
    }

    It 'has a view' {
        $views | Should -HaveCount 1
        Get-FormatData -TypeName $TypeName | Should -Not -BeNullOrEmpty
    }

    It 'has every property that the view shows' {
        $named = $views.SelectNodes('.//PropertyName').InnerText
        $inScripts = $views.SelectNodes('.//ScriptBlock').InnerText | Select-String '\$_\.(\w+)' -AllMatches |
            ForEach-Object { $_.Matches } | ForEach-Object { $_.Groups[1].Value }
        $own = $type.GetProperties().Name
        foreach ($property in $named) {
            $property | Should -BeIn $own
        }

        # A script may go on to the members of a part, or to the pairs of a dictionary.
        $parts = $type.GetProperties().PropertyType | ForEach-Object { $_; $_.GetGenericArguments() } | ForEach-Object { $_.GetProperties().Name }
        foreach ($property in $inScripts) {
            $property | Should -BeIn ($own + $parts + 'Key', 'Value')
        }
    }

    It 'shows no property of a time without saying where' {
        foreach ($header in $views.SelectNodes('.//Label').InnerText | Where-Object { $_ -match '^(Started|Last try|Next try|Window|Finished)' }) {
            $header | Should -Match '\((local|UTC)\)'
        }
    }
}

Describe 'The code of the commands' {
    It 'makes an ErrorRecord in one place only' {
        (Get-ChildItem $sources -Recurse -Filter *.cs | Select-String 'new ErrorRecord\(').Filename | Should -Be 'EtlCmdlet.cs'
    }

    It 'knows no third-party library' {
        $assembly = (Get-Command Get-LoadRun).ImplementingType.Assembly
        $assembly.GetReferencedAssemblies().Name | Where-Object { $_ -notmatch '^(System(\..+)?|netstandard|EtlTools\.Core)$' } | Should -BeNullOrEmpty
    }

    It 'asks for the database and the pipeline on the pipeline thread' {
        # A runspace, and with it the session's connection, is known there only.
        Get-ChildItem $sources -Recurse -Filter *.cs | Select-String '(token|context) =>.*\b(Database|Config)\b' | Should -BeNullOrEmpty
    }

    It 'has no view with a type literal of the engine' {
        # Only those of the commands' own assembly resolve.
        Get-Content -Raw (Join-Path (Split-Path (Get-ModulePath)) 'EtlTools.Format.ps1xml') | Should -Not -Match '\[EtlTools\.Core'
    }
}
