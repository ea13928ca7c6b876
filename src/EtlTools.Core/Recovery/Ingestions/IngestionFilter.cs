namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>Which ingestions; nothing said: all.</summary>
internal sealed record IngestionFilter
{
    public IReadOnlyList<Guid> Ids { get; init; } = [];

    public IReadOnlyList<Guid> UserIds { get; init; } = [];

    /// <summary>Compared with the status as text.</summary>
    public IReadOnlyList<string> Status { get; init; } = [];

    /// <summary>Only those whose recorded errors say one of these; None stands for no recorded error.</summary>
    public IReadOnlyList<LossCause> RecordedCauses { get; init; } = [];

    /// <summary>Only those created at or after.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Leaves out what is younger and, by its status, still being worked on.</summary>
    public DateTimeOffset? UnfinishedBefore { get; init; }
}
