# Functions that the scripts share. A script is in the root of the tree when it sources this.

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

require_dotnet() {
    if ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
        echo "The .NET 10 SDK is needed, and the dotnet command on the PATH." >&2
        return 1
    fi
}

# Builds the solution, or a part of it, once, in Release, and lays the module's files into module/bin.
build_all() {
    require_dotnet &&
        dotnet build "${1:-EtlTools.sln}" -c Release --nologo -v quiet &&
        rm -rf module/bin &&
        dotnet publish src/EtlCmdlets -c Release -o module/bin --no-build --nologo -v quiet
}

# The program that finds, starts and ends servers, runs the tests and makes sample files; without a word it says how.
# It takes the script's place, so that a signal to the script reaches it.
become_environment() {
    exec dotnet exec tests/environment/bin/Release/net10.0/EtlTools.TestEnvironment.dll "$@"
}
