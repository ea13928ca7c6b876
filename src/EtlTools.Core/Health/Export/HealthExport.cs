namespace EtlTools.Core.Health.Export;

public enum HealthFormat
{
    /// <summary>The text format of Prometheus, for the textfile collector of its node exporter.</summary>
    Prometheus,
    Json,

    /// <summary>One page that stands for itself.</summary>
    Html,
}

/// <summary>A file that was written.</summary>
public sealed record HealthExport
{
    public string Path { get; init; } = "";
    public HealthFormat Format { get; init; }
    public HealthStatus Status { get; init; }
    public long SizeBytes { get; init; }
    public DateTimeOffset GeneratedAt { get; init; }
}
