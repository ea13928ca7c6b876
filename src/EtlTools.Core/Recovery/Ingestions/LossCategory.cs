namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>The titles of causes, in reports for people: those of the service's own tools where they have one.</summary>
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
        LossCause.UnrecoverableStub => "Unrecoverable Stub",
        LossCause.SilentDataLoss => "Silent Data Loss",
        LossCause.None => "None",
        _ => "Other",
    };
}
