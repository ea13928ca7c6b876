# What the demo needs to tell its story: chapters, commands shown as they are typed with their output, and what was claimed.
# A module of its own: a command that is dot-sourced from here runs in the scope of the script that wrote it, so that its
# variables stay there.

$script:Chapter = 0
$script:Checks = [System.Collections.Generic.List[object]]::new()

# A terminal has its own width; a log is given one that the tables fit in, and no colours.
$script:Width = [Console]::IsOutputRedirected ? 180 : [Math]::Max(100, $Host.UI.RawUI.BufferSize.Width - 1)
if ([Console]::IsOutputRedirected -or $env:NO_COLOR) {
    $PSStyle.OutputRendering = 'PlainText'
}

function Write-Colored([string] $Text, [string] $Style) {
    Write-Host ($PSStyle.OutputRendering -eq 'PlainText' ? $Text : "$Style$Text$($PSStyle.Reset)")
}

function Write-Chapter([string] $Title) {
    $script:Chapter++
    Write-Host ''
    Write-Colored "== $script:Chapter. $Title" ($PSStyle.Bold + $PSStyle.Foreground.BrightCyan)
}

# What happens outside PowerShell.
function Write-Scene([string] $Text) {
    Write-Host ''
    Write-Colored "($Text)" $PSStyle.Foreground.BrightBlack
}

# Shows a command and runs it.
function Invoke-Line([scriptblock] $Command) {
    $lines = $Command.ToString().Trim() -split '\r?\n'
    Write-Host ''
    foreach ($i in 0..($lines.Count - 1)) {
        Write-Colored ($i -eq 0 ? "PS> $($lines[0])" : ">>  $($lines[$i].Trim())") ($PSStyle.Bold + $PSStyle.Foreground.BrightYellow)
    }

    . $Command 2>&1 | ForEach-Object { $_ -is [System.Management.Automation.ErrorRecord] ? (Format-Failure $_) : $_ } |
        Out-String -Stream -Width $script:Width | ForEach-Object -Begin { $blanks = 2 } -Process {
            # A table comes with more blank lines than it needs: one goes between two lines of text, none at the end.
            if ([string]::IsNullOrWhiteSpace($_)) {
                $blanks++
            }
            else {
                Write-Host ($blanks -eq 1 ? "`n$_" : $_)
                $blanks = 0
            }
        }
}

# As the prompt shows it; in a script it would come with the script's own line.
function Format-Failure([System.Management.Automation.ErrorRecord] $Failure) {
    $text = "$($Failure.InvocationInfo.InvocationName): $Failure"
    if ($Failure.ErrorDetails.RecommendedAction) {
        $text += "`
  Recommendation: $($Failure.ErrorDetails.RecommendedAction)"
    }

    $PSStyle.OutputRendering -eq 'PlainText' ? $text : "$($PSStyle.Formatting.Error)$text$($PSStyle.Reset)"
}

function Add-Check([string] $Claim, [bool] $Holds) {
    $script:Checks.Add([pscustomobject] @{ Claim = $Claim; Holds = $Holds })
}

# Shows what was claimed. Returns whether all of it holds.
function Complete-Story {
    foreach ($check in $script:Checks) {
        Write-Colored "$($check.Holds ? '  holds' : '  FAILS'): $($check.Claim)" ($check.Holds ? $PSStyle.Foreground.Green : $PSStyle.Foreground.Red)
    }

    $script:Checks.Count -gt 0 -and -not ($script:Checks | Where-Object -Not Holds)
}

Export-ModuleMember -Function Write-Chapter, Write-Scene, Invoke-Line, Add-Check, Complete-Story
