namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>The names that the service's own tools give to causes.</summary>
internal static class LossCategory
{
    public static string Of(LossCause cause) => cause switch
    {
        LossCause.ParameterLimit => "PostgreSQL Parameter Limit",
        LossCause.Validation => "Data Validation",
        LossCause.DuplicateKey => "Duplicate Key",
        LossCause.Connection => "Database Connection",
        LossCause.Timeout => "Processing Timeout",
        LossCause.Parsing => "Payload Parsing Error",
        LossCause.Memory => "Memory Limit Exceeded",
        LossCause.UnknownType => "Unknown Metric Type",
        LossCause.UnrecoverableStub => "Payload Not Kept",
        LossCause.Unrecorded => "No Error Recorded",
        LossCause.None => "None",
        _ => "Other",
    };
}
