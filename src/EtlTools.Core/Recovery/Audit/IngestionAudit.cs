using System.Globalization;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Core.Recovery.Audit;

/// <summary>One stored payload, reconciled with the metric tables. Feeds Invoke-DataRecovery.</summary>
public sealed record IngestionAudit
{
    public required Guid RawIngestionId { get; init; }

    public required Guid UserId { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The ingestion's own status.</summary>
    public string? Status { get; init; }

    /// <summary>Distinct keys that the payload's metrics have.</summary>
    public long Expected { get; init; }

    /// <summary>Those of them that are in the tables.</summary>
    public long Present { get; init; }

    /// <summary>Those that are not.</summary>
    public long Missing { get; init; }

    /// <summary>Missing / Expected, 0 to 1.</summary>
    public double LossRate => Expected == 0 ? 0 : (double)Missing / Expected;

    /// <summary>Metrics whose key the payload has already: no loss.</summary>
    public long Duplicates { get; init; }

    /// <summary>Metrics that are no row: <see cref="Problem"/> says why.</summary>
    public long Rejected { get; init; }

    /// <summary>Metrics whose table this user may not read, so that nobody knows whether they are there.</summary>
    public long Unchecked { get; init; }

    public LossCause Cause { get; init; }

    /// <summary>True where Invoke-DataRecovery has something to bring back.</summary>
    public bool IsRecoverable { get; init; }

    /// <summary>Null where it is recoverable, or nothing is lost.</summary>
    public string? NotRecoverableBecause { get; init; }

    public required IReadOnlyList<TableAudit> Table { get; init => field = JoinedList.Of(value); }

    public required IReadOnlyList<MetricProblem> Problem { get; init => field = JoinedList.Of(value); }

    public PayloadShape PayloadShape { get; init; }

    /// <summary>Bytes of the payload's text.</summary>
    public long PayloadBytes { get; init; }

    /// <summary>What the service counted when it processed the payload; it counted repeated keys as well.</summary>
    public long? RecordedExpected { get; init; }

    /// <summary>What the service says it wrote.</summary>
    public long? RecordedActual { get; init; }
}

/// <summary>One table's part of an <see cref="IngestionAudit"/>, in keys.</summary>
public sealed record TableAudit
{
    public Guid RawIngestionId { get; init; }

    /// <summary>schema.table</summary>
    public required string Table { get; init; }

    public long Expected { get; init; }

    public long Present { get; init; }

    public long Missing { get; init; }

    public long Duplicates { get; init; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Table}: {Missing:N0} of {Expected:N0} missing");
}

/// <summary>Which ingestions to audit.</summary>
public sealed record LostDataQuery
{
    public IReadOnlyList<Guid> RawIngestionIds { get; init; } = [];

    public IReadOnlyList<Guid> UserIds { get; init; } = [];

    /// <summary>Only those with one of these statuses; none given: all that are not being worked on.</summary>
    public IReadOnlyList<string> Status { get; init; } = [];

    /// <summary>Only what was lost by one of these.</summary>
    public IReadOnlyList<LossCause> Causes { get; init; } = [];

    /// <summary>How far back; null: everything.</summary>
    public TimeSpan? Window { get; init; }

    /// <summary>So many, the newest.</summary>
    public int? First { get; init; }

    /// <summary>Also those that have lost nothing.</summary>
    public bool IncludeWhole { get; init; }

    /// <summary>Where raw_ingestions and the metric tables are; null: found in the catalogue.</summary>
    public string? Schema { get; init; }
}

public sealed record AuditProgress
{
    public long Audited { get; init; }

    public long Total { get; init; }

    /// <summary>Ingestions that have lost something.</summary>
    public long Lost { get; init; }

    public long MetricsRead { get; init; }

    public double MetricsPerSecond { get; init; }

    public long BytesDone { get; init; }

    public long BytesTotal { get; init; }

    public TimeSpan? TimeLeft { get; init; }
}
