using System.Text.Json;
using System.Text.Json.Serialization;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>Where the next sync of a table begins.</summary>
internal sealed record TableState
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>The source's database that was read; null in a state that did not say so yet.</summary>
    public string? Database { get; init; }

    /// <summary>Every row of the source was read once: from then on only the changed ones need be.</summary>
    public bool IsComplete { get; init; }

    /// <summary>The highest value of each incremental column that was read and tells something, as text in the copy's form.</summary>
    public IReadOnlyDictionary<string, string> Watermarks { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The highest key that was read, where the key is one whole number.</summary>
    public string? LastKey { get; init; }

    /// <summary>Columns that were synced.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Columns that tell the rows apart; empty where none do.</summary>
    public IReadOnlyList<string> Key { get; init; } = [];

    /// <summary>The source has dates that are none, such as 2025-00-10.</summary>
    public bool HasOddDates { get; init; }

    /// <summary>A pass by ranges of the key that has not come to its end.</summary>
    public ChunkedPass? Pass { get; init; }

    /// <summary>What undos took back that no sync has read again since.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<TakenBack>))]
    public TakenBack TakenBack { get; init; }

    /// <summary>Rows were read: a copy that has none was emptied by somebody, and the watermark would lead past them.</summary>
    [JsonIgnore]
    public bool HasRead => LastKey is not null || Watermarks.Count > 0 || Pass?.After is not null;

    public static TableState Parse(string? json) => json is null ? new TableState() : JsonSerializer.Deserialize<TableState>(json, Json)!;

    public string ToJson() => JsonSerializer.Serialize(this, Json);
}

/// <summary>What undos took back, and so how the next sync gets at it.</summary>
internal enum TakenBack
{
    Nothing,

    /// <summary>Rows that incremental syncs had read: by the watermark, which went back too, or by a look-back window, which did not.</summary>
    Incremental,

    /// <summary>Also rows that a full sync had read, whatever their dates say.</summary>
    Full,
}

/// <summary>A pass by ranges of the key.</summary>
internal sealed record ChunkedPass
{
    public bool IsFull { get; init; }

    /// <summary>The copy was empty when it began.</summary>
    public bool IsInitial { get; init; }

    /// <summary>The key of the last row that is committed; null: none is.</summary>
    public IReadOnlyList<string>? After { get; init; }

    /// <summary>The source's clock when it began: what is changed later in a range that is done is not covered.</summary>
    public required string StartedAt { get; init; }

    /// <summary>The highest values up to now.</summary>
    public IReadOnlyDictionary<string, string> Watermarks { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public string? LastKey { get; init; }
}
