using System.Text;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>How a value is written for a column of a type.</summary>
internal enum ColumnFormat
{
    Int16,
    Int32,
    Int64,
    Single,
    Double,
    Numeric,
    Boolean,
    Uuid,

    /// <summary>timestamptz, and timestamp, which is taken as UTC.</summary>
    Instant,
    Date,
    Text,

    /// <summary>An enum: one of its labels.</summary>
    Label,
    Json,
    JsonBinary,

    /// <summary>text[]</summary>
    TextList,
}

/// <summary>A column of a metric table that a metric can fill.</summary>
internal sealed record TableColumn
{
    public required string Name { get; init; }

    /// <summary>The type as format_type writes it; of a domain its base type.</summary>
    public required string TypeSql { get; init; }

    public required ColumnFormat Format { get; init; }

    public bool IsWithoutZone { get; init; }

    /// <summary>A time of which the column keeps less than microseconds.</summary>
    public bool IsRounded { get; init; }

    public bool IsNotNull { get; init; }

    /// <summary>An expression, or null.</summary>
    public string? DefaultSql { get; init; }

    /// <summary>Characters of a varchar(n); null: any number.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Digits of a numeric(p, s), and how many of them stand behind the point; null: any number.</summary>
    public (int Precision, int Scale)? Digits { get; init; }

    /// <summary>Labels of an enum, by their letters and digits in lower case.</summary>
    public IReadOnlyDictionary<string, byte[]> Labels { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>The label that is meant: deployments write post_meal, POST_MEAL and Post-Meal. Null where there is none.</summary>
    public byte[]? FindLabel(ReadOnlySpan<byte> text) => Labels.GetValueOrDefault(Normalize(Encoding.UTF8.GetString(text)));

    /// <summary>Two labels that differ in case or punctuation only are told apart by their exact text, and none is guessed.</summary>
    public static IReadOnlyDictionary<string, byte[]> IndexLabels(IEnumerable<string> labels) => labels
        .GroupBy(Normalize, StringComparer.Ordinal)
        .Where(group => group.Count() == 1)
        .ToDictionary(group => group.Key, group => Encoding.UTF8.GetBytes(group.Single()), StringComparer.Ordinal);

    private static string Normalize(string label) =>
        string.Concat(label.Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant));
}
