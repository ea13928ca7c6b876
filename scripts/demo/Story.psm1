# What the demo needs to tell its story: chapters, commands shown as they are typed with their output, and what was claimed.
# A module of its own: a command that is dot-sourced from here runs in the scope of the script that wrote it, so that its
# variables stay there.

$script:Chapter = 0
$script:Checks = [System.Collections.Generic.List[object]]::new()

# A terminal has its own width; a log is given one that the tables fit in.
$script:Width = [Console]::IsOutputRedirected ? 165 : [Math]::Max(100, $Host.UI.RawUI.BufferSize.Width - 1)

function Write-Colored([string] $Text, [string] $Style) {
    $plain = [Console]::IsOutputRedirected -or $env:NO_COLOR
    Write-Host ($plain ? $Text : "$Style$Text$($PSStyle.Reset)")
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

    . $Command | Out-String -Stream -Width $script:Width | ForEach-Object -Begin { $wasBlank = $true } -Process {
        # A table begins and ends with blank lines; one between two of them is enough.
        $isBlank = [string]::IsNullOrWhiteSpace($_)
        if (-not ($isBlank -and $wasBlank)) {
            Write-Host $_
        }

        $wasBlank = $isBlank
    }
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
