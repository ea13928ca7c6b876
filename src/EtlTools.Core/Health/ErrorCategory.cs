namespace EtlTools.Core.Health;

/// <summary>The error ids of loads and table syncs, by the categories of the health report.</summary>
internal static class ErrorCategory
{
    public const string DataValidation = "Data Validation";

    private static readonly (string Category, string[] Ids)[] Categories =
    [
        (DataValidation, ["TooManyBadRows", "ColumnCountMismatch", "HeaderMismatch", "HeaderMissing", "HeaderUnreadable", "ValueInvalid", "ValueTooLong",
            "NumberOutOfRange", "DateInvalid", "CharacterInvalid", "NotNullViolation", "CheckViolation", "ConstraintViolation", "TextNotStorable"]),
        ("Data Verification", ["TableVerificationFailed"]),
        ("Schema Drift", ["SchemaDrift", "SchemaDriftUnsafe", "SchemaDriftBlocked", "TableConfigColumnMissing", "SourceColumnMissing",
            "SourceTableMissing", "ColumnMissing", "TableMissing"]),
        ("Configuration", ["TableConfigColumnUnfit", "TableConfigPrimaryKeyDiffers", "TableKeyNotUnique", "TargetTableTaken",
            "SourceClientMissing", "SourceClientOption", "SourceDatabaseNotFound", "SourceTimeZoneUnknown"]),
        ("Permission", ["PermissionDenied", "SourceAuthenticationFailed", "SourcePermissionDenied"]),
        ("Duplicate Key", ["UniqueViolation"]),
        ("Database Connection", ["ConnectionLost", "ConnectionTerminated", "ConnectionTimeout", "ConnectionPoolExhausted", "DatabaseUnreachable",
            "ServerStarting", "TooManyConnections", "CommitLost", "CommitUnknown", "RunLeaseLost"]),
        ("Source Connection", ["SourceUnreachable", "SourceConnectionLost", "SourceTlsFailed", "SourceTooManyConnections", "SourceClientEnded",
            "SourceStreamIncomplete"]),
        ("Processing Timeout", ["StatementTimeout", "StatementCancelled", "LockTimeout", "TableTimeLimit", "SourceStatementEnded", "SourceBusy"]),
        ("Memory Limit Exceeded", ["ServerOutOfMemory"]),
        ("Interrupted", ["OwnerDied", "RunDied", "RunAborted", "LoadCancelled", "FileClaimLost", "SyncInterrupted", "SyncCancelled", "SyncTakenOver"]),
    ];

    public static string Of(string? errorId) =>
        Categories.FirstOrDefault(category => category.Ids.Contains(errorId)).Category
        ?? (errorId?.StartsWith("Source", StringComparison.Ordinal) == true ? "Source" : "Other");
}
