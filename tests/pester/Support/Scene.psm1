<#
A small practice to test commands on: a database, a folder of CSV files, and a pipeline of two types (patient needs practice).

    BeforeAll {
        Import-Module "$PSScriptRoot/Support/Scene.psm1"
        $scene = New-Scene            # connected, and initialized
    }
    BeforeEach { Reset-Scene $scene } # empty again
    AfterAll { Remove-Scene $scene }

For copies of tables: New-TableScene and Remove-TableScene.
#>
Set-StrictMode -Version 3.0
Import-Module "$PSScriptRoot/TestEnvironment.psm1" -Global
Import-Module (Get-ModulePath) -Global

function New-Scene {
    param([switch] $Uninitialized)

    $folder = New-TestFolder
    $source = (New-Item -ItemType Directory (Join-Path $folder source)).FullName
    $pipeline = Join-Path $folder clinic.yaml
    Set-Content $pipeline @"
extends: csv
name: clinic
source:
  kind: folder
  path: $source
file_name:
  pattern: ^(?<extract_type>[a-z]+)_(?<date_extracted>[0-9]{12})$
  date_extracted_format: yyyyMMddHHmm
time_zone: Pacific/Auckland
extract_types:
  practice:
    table: practices
    natural_key: [practice_id]
    columns:
      - practice_id: bigint not null
      - name: text not null
  patient:
    table: patients
    parents: [practice]
    natural_key: [patient_id]
    columns:
      - patient_id: bigint not null
      - practice_id: bigint
      - name: text not null
      - born: date
"@
    $connection = New-TestDatabase
    Connect-EtlDatabase $connection -Pipeline $pipeline -WarningAction Ignore
    if (-not $Uninitialized) {
        Initialize-EtlDatabase | Out-Null
    }
    [pscustomobject]@{ Connection = $connection; Folder = $folder; Source = $source; Pipeline = $pipeline }
}

# As New-Scene left it, and much faster than a new one.
function Reset-Scene {
    param([Parameter(Mandatory)] $Scene)
    Remove-Item (Join-Path $Scene.Source *) -Force
    Invoke-TestSql $Scene.Connection @'
TRUNCATE etl.load_runs, etl.load_run_files, etl.staging_runs, etl.rejected_rows, etl.reprocess_receipts,
    raw.patients, raw.practices, stg.patients, stg.practices CASCADE
'@
}

function Remove-Scene {
    param([Parameter(Mandatory)] $Scene)
    Disconnect-EtlDatabase -ErrorAction Ignore
    Remove-TestDatabase $Scene.Connection
    Remove-TestFolder $Scene.Folder
}

# A practice whose tables are copied: a MariaDB database with what the SQL makes in it, a database with the ledger, connected, and
# an etl.yaml that names the source.
function New-TableScene {
    param([Parameter(Mandatory)] [string] $Sql)

    $folder = New-TestFolder
    $source = New-TestSource $Sql
    Set-Content "$folder/etl.yaml" @"
sources:
  practice:
    host: 127.0.0.1
    port: $env:ETL_TEST_MARIADB
    database: $source
    username: root
    tables: tables.yaml
"@
    $env:ETL_CONFIG = "$folder/etl.yaml"
    $connection = New-TestDatabase
    Connect-EtlDatabase $connection -WarningAction Ignore
    Initialize-EtlDatabase | Out-Null
    [pscustomobject]@{ Connection = $connection; Folder = $folder; Source = $source }
}

function Remove-TableScene {
    param([Parameter(Mandatory)] $Scene)
    $env:ETL_CONFIG = $null
    Disconnect-EtlDatabase -ErrorAction Ignore
    Remove-TestDatabase $Scene.Connection
    Remove-TestSource $Scene.Source
    Remove-TestFolder $Scene.Folder
}

# A file of patients with the ids given; its name says when it was extracted. Returns the path.
function Add-PatientFile {
    param(
        [Parameter(Mandatory)] $Scene,
        [Parameter(Mandatory)] [datetime] $At,
        [int[]] $Id = (1..10),
        [string] $Name = 'Aroha Planted-Name',
        # Written as they are, after the good rows.
        [string[]] $Line = @()
    )
    $path = Join-Path $Scene.Source "patient_$($At.ToString('yyyyMMddHHmm')).csv"
    $rows = foreach ($one in $Id) { "$one,1,$Name,1980-02-28" }
    Set-Content $path (@('patient_id,practice_id,name,born') + $rows + $Line)
    $path
}

function Add-PracticeFile {
    param([Parameter(Mandatory)] $Scene, [Parameter(Mandatory)] [datetime] $At)
    $path = Join-Path $Scene.Source "practice_$($At.ToString('yyyyMMddHHmm')).csv"
    Set-Content $path 'practice_id,name', '1,Harbour Clinic'
    $path
}

# A file that fails as a whole: more than half of its rows have too many fields.
function Add-BrokenFile {
    param([Parameter(Mandatory)] $Scene, [Parameter(Mandatory)] [datetime] $At)
    Add-PatientFile $Scene $At -Id 1, 2 -Line '3,1,Aroha Planted-Name,1980-02-28,x', '4,1,Aroha Planted-Name,1980-02-28,x', '5,x,x,x,x,x'
}

# The first error of a command, as a script's catch block gets it.
function Get-FirstError {
    param([Parameter(Mandatory)] [scriptblock] $Command)
    try {
        & $Command *> $null
    }
    catch {
        return $_
    }
}

# What every error of the module has: a stable id, a category, a target, a next step, and no value of the data.
function Assert-EtlError {
    param(
        [Parameter(Mandatory)] [AllowNull()] $ErrorRecord,
        [Parameter(Mandatory)] [string] $Id,
        [string] $Category
    )
    $ErrorRecord | Should -Not -BeNullOrEmpty -Because "an error $Id is expected"
    $ErrorRecord.FullyQualifiedErrorId | Should -Match "^$Id,EtlTools\.Cmdlets\."
    if ($Category) {
        $ErrorRecord.CategoryInfo.Category | Should -Be $Category
    }
    $ErrorRecord.CategoryInfo.Category | Should -Not -Be NotSpecified
    $ErrorRecord.TargetObject | Should -Not -BeNullOrEmpty
    $ErrorRecord.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    $ErrorRecord.Exception.InnerException | Should -BeNullOrEmpty
    $ErrorRecord | Format-List * -Force | Out-String -Width 500 | Should -Not -Match 'Planted-Name'
}

Export-ModuleMember -Function New-*Scene, Reset-Scene, Remove-*Scene, Add-*, Get-FirstError, Assert-EtlError
