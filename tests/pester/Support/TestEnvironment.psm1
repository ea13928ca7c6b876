<#
Databases, buckets and sample files for the Pester tests. The servers are those that scripts/test.sh started and named in
ETL_TEST_CONNECTION and ETL_TEST_S3; scripts/build.sh must have run.

A test file begins with

    BeforeDiscovery { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }
    BeforeAll { Import-Module "$PSScriptRoot/Support/TestEnvironment.psm1" }

and says  -Skip:(-not (Test-PostgresServer))  or  -Skip:(-not (Test-S3Server))  or  -Skip:(-not (Test-MariaDbServer))  where it needs one.
#>
Set-StrictMode -Version 3.0

$root = (Resolve-Path (Join-Path $PSScriptRoot '../../..')).Path
$program = Join-Path $root 'tests/environment/bin/Release/net10.0/EtlTools.TestEnvironment.dll'

# The module under test.
function Get-ModulePath {
    Join-Path $root 'module/EtlTools.psd1'
}

function Test-PostgresServer {
    [bool] $env:ETL_TEST_CONNECTION
}

function Test-S3Server {
    [bool] $env:ETL_TEST_S3
}

function Test-MariaDbServer {
    [bool] $env:ETL_TEST_MARIADB
}

# A database of the MariaDB server, with what the SQL makes in it. Returns its name.
function New-TestSource {
    param([string] $Sql = '')
    $name = "etl_test_$([guid]::NewGuid().ToString('n').Substring(0, 12))"
    Invoke-SourceTestSql mysql "CREATE DATABASE $name" | Out-Null
    if ($Sql) {
        Invoke-SourceTestSql $name $Sql | Out-Null
    }
    $name
}

function Remove-TestSource {
    param([Parameter(Mandatory)] [string] $Name)
    Invoke-SourceTestSql mysql "DROP DATABASE IF EXISTS $Name" | Out-Null
}

# Runs SQL at a source, beside the module. Returns lines of fields separated by tabs.
function Invoke-SourceTestSql {
    param(
        [Parameter(Mandatory)] [string] $Name,
        [Parameter(Mandatory)] [string] $Sql
    )
    $Sql | mariadb --no-defaults --host=127.0.0.1 --port=$env:ETL_TEST_MARIADB --user=root --batch --skip-column-names --default-character-set=utf8mb4 $Name
    if ($LASTEXITCODE -ne 0) {
        throw "mariadb: exit code $LASTEXITCODE"
    }
}

# The address of the S3 server, for a pipeline's source.
function Get-S3Endpoint {
    $env:ETL_TEST_S3
}

# An empty database. Returns its connection string.
function New-TestDatabase {
    Invoke-Environment create-database
}

function Remove-TestDatabase {
    param([Parameter(Mandatory)] [string] $Connection)
    Invoke-Environment drop-database $Connection | Out-Null
}

# Runs SQL beside the module. Returns the rows as objects.
function Invoke-TestSql {
    param(
        [Parameter(Mandatory)] [string] $Connection,
        [Parameter(Mandatory)] [string] $Sql
    )
    $Sql | Invoke-Environment sql $Connection | ConvertFrom-Json -Depth 20 -NoEnumerate | ForEach-Object { $_ }
}

# An empty bucket. Returns its name.
function New-TestBucket {
    Invoke-Environment create-bucket
}

function Add-TestObject {
    param(
        [Parameter(Mandatory)] [string] $Bucket,
        [Parameter(Mandatory)] [string] $Path,
        # The file's name by default.
        [string] $Key = (Split-Path $Path -Leaf)
    )
    Invoke-Environment put $Bucket $Key $Path | Out-Null
}

function Remove-TestBucket {
    param([Parameter(Mandatory)] [string] $Bucket)
    Invoke-Environment delete-bucket $Bucket | Out-Null
}

# An empty folder, outside the tree. Returns its path. scripts/test.sh deletes what a test forgets.
function New-TestFolder {
    $base = $env:ETL_TEST_FOLDER ? $env:ETL_TEST_FOLDER : [System.IO.Path]::GetTempPath()
    $path = Join-Path $base "etltools-test-$([guid]::NewGuid().ToString('n').Substring(0, 12))"
    (New-Item -ItemType Directory $path).FullName
}

function Remove-TestFolder {
    param([Parameter(Mandatory)] [string] $Path)
    Remove-Item -LiteralPath $Path -Recurse -Force -ErrorAction Ignore
}

# A file in a pipeline's own dialect and under a vendor's name, of rows that pass every check. Returns the path.
# A file with faults is made by changing the bytes of one of these.
function New-VendorFile {
    param(
        [Parameter(Mandatory)] [string] $Folder,
        [Parameter(Mandatory)] [string] $ExtractType,
        [int] $RowCount = 10,
        [long] $FirstKey = 1,
        [datetime] $DateExtracted = '2025-08-18T10:44',
        # Values for all rows, by column.
        [hashtable] $Values = @{},
        # A built-in pipeline's name, or the path of a file.
        [string] $Pipeline = 'indici'
    )
    $options = @('--first-key', $FirstKey, '--extracted', $DateExtracted.ToString('s'))
    foreach ($column in $Values.Keys) {
        $options += '--set', "$column=$($Values[$column])"
    }
    Invoke-Environment vendor-file $Folder $Pipeline $ExtractType $RowCount @options
}

function Invoke-Environment {
    $output = if ($MyInvocation.ExpectingInput) { $input | dotnet exec $program @args 2>&1 } else { dotnet exec $program @args 2>&1 }
    if ($LASTEXITCODE -ne 0) {
        throw "EtlTools.TestEnvironment $($args[0]): exit code $LASTEXITCODE. $output"
    }
    $output
}

Export-ModuleMember -Function *-Test*, Get-ModulePath, Get-S3Endpoint, Test-*, New-VendorFile, Invoke-SourceTestSql
