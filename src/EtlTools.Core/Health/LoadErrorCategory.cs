namespace EtlTools.Core.Health;

/// <summary>The error ids of a load, by the categories of the health report.</summary>
internal static class LoadErrorCategory
{
    public const string DataValidation = "Data Validation";

    private static readonly (string Category, string[] Ids)[] Categories =
    [
        (DataValidation, ["TooManyBadRows", "ColumnCountMismatch", "HeaderMismatch", "HeaderUnreadable", "ValueInvalid", "ValueTooLong",
            "NumberOutOfRange", "DateInvalid", "CharacterInvalid", "NotNullViolation", "CheckViolation", "ConstraintViolation"]),
        ("Duplicate Key", ["UniqueViolation"]),
        ("Database Connection", ["ConnectionLost", "ConnectionTerminated", "ConnectionTimeout", "ConnectionPoolExhausted", "DatabaseUnreachable",
            "ServerStarting", "TooManyConnections", "CommitLost", "RunLeaseLost"]),
        ("Processing Timeout", ["StatementTimeout", "StatementCancelled", "LockTimeout"]),
        ("Memory Limit Exceeded", ["ServerOutOfMemory"]),
        ("Interrupted", ["OwnerDied", "RunDied", "RunAborted", "LoadCancelled", "FileClaimLost"]),
    ];

    public static string Of(string? errorId) =>
        Categories.FirstOrDefault(category => category.Ids.Contains(errorId)).Category
        ?? (errorId?.StartsWith("Source", StringComparison.Ordinal) == true ? "Source" : "Other");
}
