using EtlTools.Core.Configuration;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>Which tables come first, in this order.</summary>
public enum TableImportance
{
    Critical,
    Important,

    /// <summary>Logs: rows of theirs are never deleted from the copy unless the configuration says so.</summary>
    Audit,
    Reference,
    Standard,
}

public enum SyncStrategy
{
    /// <summary>Every row is read each time; what differs is written.</summary>
    FullTable,

    /// <summary>Rows are read that may have changed since the last sync.</summary>
    Incremental,

    /// <summary>As incremental, by ranges of the key, each committed by itself.</summary>
    IncrementalChunked,
}

/// <summary>How several incremental columns decide whether a row is read.</summary>
public enum IncrementalLogic
{
    /// <summary>Any of them is new.</summary>
    Or,

    /// <summary>All of them are new; one that is NULL decides nothing.</summary>
    And,

    /// <summary>The first of them is new.</summary>
    SingleColumn,
}

/// <summary>What the copy does when the source no longer fits it: the table's columns, or a value of a row.</summary>
public enum SchemaContract
{
    /// <summary>The copy follows: columns are added and widened.</summary>
    Evolve,

    /// <summary>The sync stops and changes nothing.</summary>
    Freeze,

    /// <summary>Rows that do not fit are left out, and counted.</summary>
    DiscardRow,

    /// <summary>Values that do not fit are left out, and counted.</summary>
    DiscardValue,
}

/// <summary>How rows of a table live.</summary>
public enum SyncProfile
{
    Unknown,

    /// <summary>Rows are added and never changed.</summary>
    AppendOnly,
    InPlaceUpdates,
}

/// <summary>How one table is synced.</summary>
public sealed record TableConfig
{
    public const int DefaultBatchSize = 50_000;

    /// <summary>As the source has it, and as the copy will.</summary>
    public required string Name { get; init; }

    public TableImportance Importance { get; init; } = TableImportance.Standard;

    public SyncStrategy Strategy { get; init; } = SyncStrategy.FullTable;

    /// <summary>Rows of a chunk that is committed by itself.</summary>
    public int BatchSize { get; init; } = DefaultBatchSize;

    /// <summary>Columns that tell that a row is new or changed, the most trusted first.</summary>
    public IReadOnlyList<string> IncrementalColumns { get; init; } = [];

    /// <summary>Columns that look as if they told it and do not, with the reason.</summary>
    public IReadOnlyDictionary<string, string> RejectedColumns { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public IncrementalLogic IncrementalLogic { get; init; } = IncrementalLogic.Or;

    /// <summary>Dates before it tell nothing about when a row was changed.</summary>
    public DateOnly MinDate { get; init; } = new(2000, 1, 1);

    /// <summary>Dates after it tell nothing either; null: only those in the future.</summary>
    public DateOnly? MaxDate { get; init; }

    /// <summary>The whole key; empty: the source's own primary key.</summary>
    public IReadOnlyList<string> PrimaryKey { get; init; } = [];

    public SyncProfile Profile { get; init; } = SyncProfile.Unknown;

    /// <summary>Rows that are read again each time, whether they look changed or not.</summary>
    public LookbackWindow? Lookback { get; init; }

    /// <summary>Tables that are synced before this one.</summary>
    public IReadOnlyList<string> Dependencies { get; init; } = [];

    public TableMonitoring Monitoring { get; init; } = new();

    public SchemaContract Contract { get; init; } = SchemaContract.Evolve;

    /// <summary>Rows that vanish at the source vanish from the copy. Null: yes for a full sync, no otherwise and for audit tables.</summary>
    public bool? Deletes { get; init; }

    /// <summary>Rows that vanish at the source stay in the copy for good, whatever is read.</summary>
    public bool KeepsVanished => Deletes is null ? Importance == TableImportance.Audit : Deletes == false;

    /// <summary>Columns of type tinyint that hold nothing but 0 and 1 and become boolean.</summary>
    public IReadOnlyList<string> BooleanColumns { get; init; } = [];

    public long? EstimatedRows { get; init; }

    public double? EstimatedMegabytes { get; init; }

    /// <summary>Of the columns as they were analysed.</summary>
    public string? SchemaHash { get; init; }

    public DateTimeOffset? LastAnalyzed { get; init; }

    public bool IsModeled { get; init; }

    /// <summary>Where it stands in its file, from 1; 0 where it stands in none.</summary>
    public int Line => Entry?.Key.Line ?? 0;

    /// <summary>Its name and settings in its file; null where it stands in none.</summary>
    internal ConfigEntry? Entry { get; init; }

    public override string ToString() => Name;
}

/// <param name="Days">Rows whose date is at most so old.</param>
/// <param name="Columns">Any of them.</param>
public sealed record LookbackWindow(int Days, IReadOnlyList<string> Columns);

/// <summary>What is right for a table, and who hears of it where it is not.</summary>
public sealed record TableMonitoring
{
    public const double DefaultThreshold = 0.95;
    public const double CriticalThreshold = 0.99;

    /// <summary>Where the configuration says nothing.</summary>
    public static readonly TimeSpan DefaultOverdueAfter = TimeSpan.FromDays(1);

    public bool AlertsOnFailure { get; init; } = true;

    /// <summary>A sync that takes longer is ended.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>The share of the rows read that has to be found in the copy afterwards, 0 to 1.</summary>
    public double Threshold { get; init; } = DefaultThreshold;

    /// <summary>A table that was not synced for so long is overdue.</summary>
    public TimeSpan? OverdueAfter { get; init; }
}
