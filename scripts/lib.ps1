# Functions that the scripts share. A script is in the root of the tree when it sources this.
# Windows PowerShell 5.1 can run the scripts too; the module itself needs PowerShell 7.6.

$env:DOTNET_CLI_TELEMETRY_OPTOUT = 1
$env:DOTNET_NOLOGO = 1

# Builds the solution, or a part of it, once, in Release, and lays the module's files into module/bin. Writes nothing but what dotnet says.
function Invoke-EtlBuild([string] $Solution = 'EtlTools.sln') {
    if (-not (Get-Command dotnet -ErrorAction Ignore)) {
        throw 'The .NET 10 SDK is needed, and the dotnet command on the PATH.'
    }

    dotnet build $Solution -c Release --nologo -v quiet | Out-Host
    if ($LASTEXITCODE -ne 0) {
        throw 'The build failed.'
    }

    if (Test-Path module/bin) {
        Remove-Item module/bin -Recurse -Force
    }

    dotnet publish src/EtlCmdlets -c Release -o module/bin --no-build --nologo -v quiet | Out-Host
    if ($LASTEXITCODE -ne 0) {
        throw 'The build of the module failed.'
    }
}

# The program that finds, starts and ends servers, runs the tests and makes sample files; without a word it says how.
function Invoke-EtlEnvironment {
    dotnet exec tests/environment/bin/Release/net10.0/EtlTools.TestEnvironment.dll @args
}
