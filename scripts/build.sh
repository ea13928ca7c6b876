#!/usr/bin/env bash
# Builds the module into module/: then Import-Module ./module/EtlTools.psd1.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet publish src/EtlCmdlets -c "${1:-Release}" -v quiet --nologo
pwsh -NoProfile -File scripts/build-help.ps1
