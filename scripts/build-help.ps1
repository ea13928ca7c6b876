#Requires -Version 7.6
# Makes the module's help file from docs/cmdlets/*.md: run it after a change there or to a parameter, and commit what it makes.
# Types, positions, aliases and pipeline input come from the commands themselves, so scripts/build.sh must have run. Ends with
# an error where a parameter has no text, or a text has no parameter.
param([string] $Destination = (Join-Path $PSScriptRoot '../module/en-US'))
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest
$root = Join-Path $PSScriptRoot '..'
$docs = Join-Path $root 'docs/cmdlets'
$ignored = [System.Management.Automation.Cmdlet]::CommonParameters
$maml = 'http://schemas.microsoft.com/maml/2004/10'
$command = 'http://schemas.microsoft.com/maml/dev/command/2004/10'
$dev = 'http://schemas.microsoft.com/maml/dev/2004/10'

# A page as a dictionary: 'Synopsis' and each '## Title' to its lines.
function Read-Page([string] $path) {
    $page = [ordered]@{ Synopsis = [System.Collections.Generic.List[string]]::new() }
    $section = 'Synopsis'
    $isCode = $false
    foreach ($line in Get-Content $path | Select-Object -Skip 1) {
        if ($line.StartsWith('```')) { $isCode = -not $isCode }
        if (-not $isCode -and $line -match '^## (?<title>.+)$') {
            $section = $Matches.title
            $page[$section] = [System.Collections.Generic.List[string]]::new()
        }
        else {
            $page[$section].Add($line)
        }
    }
    $page
}

# '### Title' to its lines, in order.
function Split-Part($lines) {
    $parts = [ordered]@{}
    $title = $null
    foreach ($line in $lines) {
        if ($line -match '^### (?<title>.+)$') {
            $title = $Matches.title
            $parts[$title] = [System.Collections.Generic.List[string]]::new()
        }
        elseif ($title) {
            $parts[$title].Add($line)
        }
    }
    $parts
}

# Lines to paragraphs; list items stand for themselves, and marks for code are dropped.
function Join-Paragraph($lines) {
    $text = ($lines -join "`n").Trim() -replace '`', ''
    $text -split "`n\s*`n|`n(?=- )" | ForEach-Object { ($_ -replace "`n\s*", ' ').Trim() } | Where-Object { $_ }
}

function Write-Paragraph($writer, [string] $element, [string] $namespace, $paragraphs) {
    $writer.WriteStartElement($element, $namespace)
    foreach ($paragraph in $paragraphs) { $writer.WriteElementString('para', $maml, $paragraph) }
    $writer.WriteEndElement()
}

function Get-TypeText([type] $type) {
    $inner = [Nullable]::GetUnderlyingType($type)
    if ($inner) { $inner.Name } else { $type.Name }
}

function Write-Parameter($writer, $parameter, $texts, $set) {
    $use = if ($set) { $parameter.ParameterSets[$set] } else { @($parameter.ParameterSets.Values)[0] }
    $input = @(
        if ($use.ValueFromPipeline) { 'ByValue' }
        if ($use.ValueFromPipelineByPropertyName) { 'ByPropertyName' }
    ) -join ', '
    $isSwitch = $parameter.ParameterType -eq [switch]
    $writer.WriteStartElement('parameter', $command)
    $writer.WriteAttributeString('required', "$($use.IsMandatory)".ToLowerInvariant())
    $writer.WriteAttributeString('variableLength', "$($parameter.ParameterType.IsArray)".ToLowerInvariant())
    $globs = @($parameter.Attributes | Where-Object { $_ -is [System.Management.Automation.SupportsWildcardsAttribute] }).Count -gt 0
    $writer.WriteAttributeString('globbing', "$globs".ToLowerInvariant())
    $writer.WriteAttributeString('pipelineInput', $(if ($input) { "True ($input)" } else { 'False' }))
    $writer.WriteAttributeString('position', $(if ($use.Position -ge 0) { "$($use.Position)" } else { 'named' }))
    $writer.WriteAttributeString('aliases', $(if ($parameter.Aliases.Count) { $parameter.Aliases -join ', ' } else { 'none' }))
    $writer.WriteElementString('name', $maml, $parameter.Name)
    if ($texts) { Write-Paragraph $writer description $maml (Join-Paragraph $texts["-$($parameter.Name)"]) }
    if (-not $isSwitch) {
        $writer.WriteStartElement('parameterValue', $command)
        $writer.WriteAttributeString('required', 'true')
        $writer.WriteAttributeString('variableLength', "$($parameter.ParameterType.IsArray)".ToLowerInvariant())
        $writer.WriteString((Get-TypeText $parameter.ParameterType))
        $writer.WriteEndElement()
    }
    $writer.WriteStartElement('type', $dev)
    $writer.WriteElementString('name', $maml, (Get-TypeText $parameter.ParameterType))
    $writer.WriteEndElement()
    $writer.WriteEndElement()
}

function Write-Command($writer, $info, $page, $common) {
    $parameters = @($info.Parameters.Values | Where-Object Name -notin $ignored | Sort-Object Name)
    $own = Split-Part $page['Parameters']
    foreach ($text in $own.Keys | Where-Object { $_.TrimStart('-') -notin $parameters.Name }) {
        throw "$($info.Name).md describes the parameter $text, which the command does not have."
    }
    $texts = @{}
    foreach ($name in $parameters.Name) {
        $texts["-$name"] = $own["-$name"] ?? $common["-$name"] ??
            $(throw "$($info.Name).md does not describe the parameter -$name.")
    }

    $writer.WriteStartElement('command', 'command', $command)
    $writer.WriteAttributeString('xmlns', 'maml', $null, $maml)
    $writer.WriteAttributeString('xmlns', 'dev', $null, $dev)
    $writer.WriteStartElement('details', $command)
    $writer.WriteElementString('name', $command, $info.Name)
    $writer.WriteElementString('verb', $command, $info.Verb)
    $writer.WriteElementString('noun', $command, $info.Noun)
    Write-Paragraph $writer description $maml (Join-Paragraph $page['Synopsis'])
    $writer.WriteEndElement()
    Write-Paragraph $writer description $maml (Join-Paragraph $page['Description'])

    $writer.WriteStartElement('syntax', $command)
    foreach ($set in $info.ParameterSets) {
        $writer.WriteStartElement('syntaxItem', $command)
        $writer.WriteElementString('name', $maml, $info.Name)
        $order = { if ($_.Position -ge 0) { $_.Position } else { [int]::MaxValue } }, { -not $_.IsMandatory }, 'Name'
        foreach ($use in $set.Parameters | Where-Object Name -notin $ignored | Sort-Object $order) {
            $parameter = $info.Parameters[$use.Name]
            $key = if ($parameter.ParameterSets.ContainsKey($set.Name)) { $set.Name } else { '__AllParameterSets' }
            Write-Parameter $writer $parameter $null $key
        }
        $writer.WriteEndElement()
    }
    $writer.WriteEndElement()

    $writer.WriteStartElement('parameters', $command)
    foreach ($parameter in $parameters) { Write-Parameter $writer $parameter $texts $null }
    $writer.WriteEndElement()

    $writer.WriteStartElement('returnValues', $command)
    foreach ($type in $info.OutputType | Where-Object { $_.Name -ne 'System.Void' }) {
        $writer.WriteStartElement('returnValue', $command)
        $writer.WriteStartElement('type', $dev)
        $writer.WriteElementString('name', $maml, $type.Name)
        $writer.WriteEndElement()
        $writer.WriteEndElement()
    }
    $writer.WriteEndElement()

    $writer.WriteStartElement('examples', $command)
    $number = 0
    foreach ($example in (Split-Part $page['Examples']).GetEnumerator()) {
        $number++
        $fences = @(0..($example.Value.Count - 1) | Where-Object { $example.Value[$_].StartsWith('```') })
        if ($fences.Count -ne 2) { throw "$($info.Name).md, example '$($example.Key)': one block of code is wanted." }
        $writer.WriteStartElement('example', $command)
        $writer.WriteElementString('title', $maml, "Example ${number}: $($example.Key)")
        $writer.WriteElementString('code', $dev, ($example.Value[($fences[0] + 1)..($fences[1] - 1)] -join "`n"))
        $after = @($example.Value | Select-Object -Skip ($fences[1] + 1))
        Write-Paragraph $writer remarks $dev (Join-Paragraph $after)
        $writer.WriteEndElement()
    }
    $writer.WriteEndElement()

    $writer.WriteStartElement('relatedLinks', $command)
    foreach ($link in $page['See also'] | Where-Object { $_.StartsWith('- ') }) {
        $writer.WriteStartElement('navigationLink', $maml)
        $writer.WriteElementString('linkText', $maml, $link.Substring(2))
        $writer.WriteElementString('uri', $maml, '')
        $writer.WriteEndElement()
    }
    $writer.WriteEndElement()
    $writer.WriteEndElement()
}

Import-Module (Join-Path $root 'module/EtlTools.psd1')
$commands = @(Get-Command -Module EtlTools | Sort-Object Name)
foreach ($page in Get-ChildItem $docs -Filter *-*.md | Where-Object { $_.BaseName -notin @($commands.Name) + 'common-parameters' }) {
    throw "$($page.Name) describes a command that the module does not have."
}

$common = Split-Part (Get-Content (Join-Path $docs 'common-parameters.md'))
$settings = [System.Xml.XmlWriterSettings]@{ Indent = $true; NewLineChars = "`n" }
$writer = [System.Xml.XmlWriter]::Create((Join-Path (Resolve-Path $Destination) 'EtlCmdlets.dll-Help.xml'), $settings)
try {
    $writer.WriteStartElement('helpItems', 'http://msh')
    $writer.WriteAttributeString('schema', 'maml')
    foreach ($info in $commands) {
        Write-Command $writer $info (Read-Page (Join-Path $docs "$($info.Name).md")) $common
    }
    $writer.WriteEndElement()
}
finally {
    $writer.Dispose()
}
