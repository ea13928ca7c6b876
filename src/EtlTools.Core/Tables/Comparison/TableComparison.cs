using System.Globalization;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Tables.Comparison;

public enum DifferenceKind
{
    /// <summary>The source has the row, and the copy has not.</summary>
    Missing,

    /// <summary>The copy has the row, and the source has not.</summary>
    Extra,

    /// <summary>Both have it, with other values.</summary>
    Different,
}

/// <summary>One row in which source and copy differ. Its key is data of the source: it belongs into no log.</summary>
public sealed record TableDifference
{
    public required string Name { get; init; }

    public required DifferenceKind Kind { get; init; }

    /// <summary>Column and value of the whole key; empty for a table without one.</summary>
    public required IReadOnlyDictionary<string, string?> Key { get; init; }

    /// <summary>Rows that it is about: 1, unless there is no key to tell them apart.</summary>
    public long Rows { get; init; } = 1;

    public override string ToString() => $"{Name}: {Kind}";
}

/// <summary>The sum of a column on both sides: what a column of amounts comes to.</summary>
public sealed record ColumnSum
{
    /// <summary>The table.</summary>
    public required string Name { get; init; }

    public required string Column { get; init; }

    /// <summary>Null where no row has a value, or where it has more digits than a decimal.</summary>
    public decimal? Source { get; init; }

    public decimal? Copy { get; init; }

    /// <summary>To the last digit, of floats to ten decimals.</summary>
    public required bool IsEqual { get; init; }

    public override string ToString() => $"{Column}: {(IsEqual ? "equal" : "different")}";

    internal static ColumnSum Of(string name, string column, string? source, string? copy)
    {
        var (one, other) = (Trimmed(source), Trimmed(copy));
        return new ColumnSum { Name = name, Column = column, Source = Parse(one), Copy = Parse(other), IsEqual = one == other };
    }

    // The two servers write as many zeros behind the point as they like.
    private static string? Trimmed(string? sum) =>
        sum is not null && sum.Contains('.', StringComparison.Ordinal) ? sum.TrimEnd('0').TrimEnd('.') : sum;

    private static decimal? Parse(string? sum) =>
        decimal.TryParse(sum, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>A table of the source against its copy.</summary>
public sealed record TableComparison
{
    public required string Name { get; init; }

    /// <summary>The name of the source; for two copies, the schema of the one that counts.</summary>
    public required string Source { get; init; }

    /// <summary>The schema of the copy.</summary>
    public required string Schema { get; init; }

    public TableImportance Importance { get; init; }

    /// <summary>This and the other counts are null where the table could not be compared.</summary>
    public long? SourceRows { get; init; }

    public long? CopyRows { get; init; }

    public long? Missing { get; init; }

    public long? Extra { get; init; }

    public long? Different { get; init; }

    /// <summary>
    /// Rows that the source no longer has and the copy keeps, as an audit table's: by its configuration, and nothing to act on.
    /// They are not among those that are extra, and not listed.
    /// </summary>
    public long? Kept { get; init; }

    /// <summary>False where more rows differ than were asked for: the three counts are then those that were found.</summary>
    public bool IsComplete { get; init; } = true;

    public int? Chunks { get; init; }

    public int? ChunksDifferent { get; init; }

    /// <summary>Columns that the copy has not.</summary>
    public IReadOnlyList<string> MissingColumn { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>Columns that only the copy has. They are nobody's fault.</summary>
    public IReadOnlyList<string> ExtraColumn { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    /// <summary>Columns of which only the presence of a value was compared: JSON that the two sides write differently.</summary>
    public IReadOnlyList<string> UncomparedColumn { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<string>();

    public IReadOnlyList<TableDifference> Difference { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<TableDifference>();

    /// <summary>Sums of the columns that hold numbers, those of the key apart; empty where they were not asked for.</summary>
    public IReadOnlyList<ColumnSum> Sum { get; init; } = [];

    /// <summary>Nothing differs, and every column of the source is there.</summary>
    public bool IsEqual => Error is null && ChunksDifferent == 0 && MissingColumn.Count == 0;

    /// <summary>The share of rows that may differ.</summary>
    public double Tolerance { get; init; }

    /// <summary>Equal but for rows that are kept, or not more different than is tolerated.</summary>
    public bool IsAccepted => IsEqual
        || Error is null && IsComplete && MissingColumn.Count == 0 && Missing + Extra + Different <= Tolerance * Math.Max(SourceRows ?? 0, CopyRows ?? 0);

    public TimeSpan Duration { get; init; }

    public string? ErrorCode { get; init; }

    public string? Error { get; init; }

    /// <summary>Why the table could not be compared; null where it could.</summary>
    internal EtlException? Failure { get; init; }

    // A method: whoever writes results out (ConvertTo-Json) would write the exception with them, and all that hangs on it.
    public EtlException? GetFailure() => Failure;

    public override string ToString() => $"{Name}: {(Error is not null ? "not compared" : IsEqual ? "equal" : IsAccepted ? "accepted" : "different")}";
}

/// <summary>What to compare, and how far.</summary>
public sealed record TableComparisonOptions
{
    public const int DefaultMaxDifference = 1000;
    public const int DefaultMaxConcurrency = 2;

    public Sync.TableSyncOptions Tables { get; init; } = new();

    public int MaxConcurrency { get; init; } = DefaultMaxConcurrency;

    /// <summary>So many differing rows of a table are named; then the search in it ends. Zero: only whether it differs.</summary>
    public int MaxDifference { get; init; } = DefaultMaxDifference;

    /// <summary>The share of rows that may differ, 0 to 1.</summary>
    public double Tolerance { get; init; }

    /// <summary>Columns of numbers are summed on both sides, which takes one more pass over the table.</summary>
    public bool IncludeSum { get; init; }
}

/// <summary>How far a comparison has come.</summary>
public sealed record TableComparisonProgress(int TablesDone, int TablesTotal, long RowsCompared, double RowsPerSecond, TimeSpan? TimeLeft)
{
    /// <summary>The table that has just been compared.</summary>
    public TableComparison? Finished { get; init; }
}
