@{
    RootModule           = 'bin/EtlCmdlets.dll'
    ModuleVersion        = '0.1.0'
    GUID                 = '6a2b1f0e-8c57-4f63-9d0e-6f4f6f1c7b52'
    Author               = 'EtlTools contributors'
    CompanyName          = 'EtlTools'
    Copyright            = '(c) EtlTools contributors'
    Description          = 'Loads healthcare data files from S3 or a folder into PostgreSQL, shows every load, finds what went wrong, and puts it right: preview, reprocess, verify and undo, with a record of who did what and why. Copies the tables of a MySQL or MariaDB database into PostgreSQL, incrementally.'

    # Windows PowerShell 5.1 and PowerShell 7.5 run on .NET versions that the engine does not know.
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')

    FormatsToProcess     = @('EtlTools.Format.ps1xml')
    CmdletsToExport      = @(
        'Compare-Table'
        'Connect-EtlDatabase'
        'Disconnect-EtlDatabase'
        'Export-ProcessingHealth'
        'Find-FailedFile'
        'Find-LostData'
        'Find-NewFile'
        'Get-LoadFile'
        'Get-LoadPlan'
        'Get-LoadRun'
        'Get-ProcessingHealth'
        'Get-RejectedRow'
        'Get-ReprocessMetric'
        'Get-TableStatus'
        'Get-TableSync'
        'Initialize-EtlDatabase'
        'Invoke-DataRecovery'
        'Invoke-Reprocess'
        'New-TableConfig'
        'Repair-RejectedRow'
        'Start-LoadRun'
        'Stop-LoadRun'
        'Sync-Table'
        'Test-ProcessingHealth'
        'Test-StagingIntegrity'
        'Test-TableConfig'
        'Undo-Reprocess'
        'Undo-TableSync'
        'Unregister-TableSync'
    )
    FunctionsToExport    = @()
    VariablesToExport    = @()
    AliasesToExport      = @()

    PrivateData          = @{
        PSData = @{
            Tags = @('ETL', 'PostgreSQL', 'MySQL', 'MariaDB', 'S3', 'Healthcare', 'Indici', 'DataQuality', 'Reprocessing', 'PSEdition_Core', 'Windows', 'Linux', 'MacOS')
        }
    }
}
