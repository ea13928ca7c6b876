namespace EtlTools.Core.Recovery.Payloads;

/// <summary>
/// What the metrics of a payload mean: their types, the tables and columns they belong into, the names and units iOS
/// uses for them, and what is plausible. Read from YAML by <see cref="MetricMapReader"/>.
/// </summary>
public sealed record MetricMap
{
    /// <summary>The file it was read from, or "built-in:NAME".</summary>
    public required string Origin { get; init; }

    /// <summary>In the order of the file; <see cref="MetricType.Index"/> counts them.</summary>
    public required IReadOnlyList<MetricType> Types { get; init; }

    /// <summary>Names that an iOS export gives its metrics, each with the type and column it feeds.</summary>
    public required IReadOnlyList<IosMetric> IosMetrics { get; init; }

    /// <summary>Fields of an iOS measurement that hold its value, the first that is there counts: qty, Avg.</summary>
    public required IReadOnlyList<string> ValueFields { get; init; }

    /// <summary>The same for a column that is a text: value, qty.</summary>
    public required IReadOnlyList<string> TextValueFields { get; init; }

    /// <summary>Fields that hold the unit of a measurement or of a list of them: units, unit.</summary>
    public required IReadOnlyList<string> UnitFields { get; init; }

    /// <summary>Fields of any metric that go into no column and are no surprise: id, user_id, created_at.</summary>
    public IReadOnlyList<string> IgnoredFields { get; init; } = [];

    /// <summary>Lists of a payload that stand beside its metrics, and the type of their elements: workouts.</summary>
    public IReadOnlyDictionary<string, MetricType> Lists { get; init; } = new Dictionary<string, MetricType>();

    /// <summary>The type with this name; null where there is none.</summary>
    public MetricType? FindType(string name) => Types.FirstOrDefault(type => type.Name == name);
}

/// <summary>One type of metric and the table that keeps it.</summary>
public sealed record MetricType
{
    /// <summary>What the payload's property "type" says, e.g. HeartRate.</summary>
    public required string Name { get; init; }

    /// <summary>Position in <see cref="MetricMap.Types"/>.</summary>
    public required int Index { get; init; }

    /// <summary>The names that the table has in the schemas in the field; the first one that exists is meant.</summary>
    public required IReadOnlyList<string> Tables { get; init; }

    /// <summary>
    /// Without id, user_id and created_at: the first and the last are the database's to give, the user is that of the ingestion.
    /// A schema need not have all of them.
    /// </summary>
    public required IReadOnlyList<MetricColumn> Columns { get; init; }

    /// <summary>Fields of a payload that belong to this type and go into no column.</summary>
    public IReadOnlyList<string> IgnoredFields { get; init; } = [];

    /// <summary>Conditions between columns, as they stand in the file.</summary>
    public IReadOnlyList<MetricRule> Rules { get; init; } = [];

    /// <summary>Columns that iOS sends as metrics of their own, put together by their time: systolic, diastolic.</summary>
    public IReadOnlyList<MetricColumn> Paired { get; init; } = [];

    /// <summary>The columns that, with user_id, tell one row from another.</summary>
    public IEnumerable<MetricColumn> Key => Columns.Where(column => column.IsKey);

    /// <summary>The column with this name; null where there is none.</summary>
    public MetricColumn? FindColumn(string name) => Columns.FirstOrDefault(column => column.Name == name);
}

public enum MetricKind
{
    /// <summary>A floating-point number.</summary>
    Number,

    /// <summary>A whole number; a fraction is rounded, halves away from zero.</summary>
    Integer,

    Text,
    Boolean,

    /// <summary>A moment, in microseconds of UTC.</summary>
    Time,

    /// <summary>Any JSON, kept as its text. A table may have it as json, jsonb or, for a list of texts, text[].</summary>
    Json,

    Uuid,
}

/// <summary>One column of a metric table and what a payload calls it.</summary>
public sealed record MetricColumn
{
    public required string Name { get; init; }

    /// <summary>Position in <see cref="MetricType.Columns"/>, and in a <see cref="MetricRow"/>.</summary>
    public required int Ordinal { get; init; }

    public required MetricKind Kind { get; init; }

    /// <summary>Names of the field in a payload, its own name included; where several are there, the first of them counts.</summary>
    public required IReadOnlyList<string> Fields { get; init; }

    /// <summary>The unit the column is in; null: a bare number.</summary>
    public string? Unit { get; init; }

    /// <summary>What else it may come in, and how that becomes the column's unit.</summary>
    public IReadOnlyList<UnitConversion> Conversions { get; init; } = [];

    /// <summary>The least plausible value; null: none.</summary>
    public double? Minimum { get; init; }

    /// <summary>The greatest plausible value; null: none.</summary>
    public double? Maximum { get; init; }

    /// <summary>A percentage that may come as a fraction: 0.97 is 97 %. Only where no plausible percentage is that small.</summary>
    public bool TakesFractions { get; init; }

    /// <summary>What a payload's text becomes, compared without case: "" is null. A text that is not there stays as it is.</summary>
    public IReadOnlyDictionary<string, string> Values { get; init; } = new Dictionary<string, string>();

    /// <summary>Text: turned into a label as enumerations have them, in lower case with underscores.</summary>
    public bool IsLabel { get; init; }

    /// <summary>Beginnings that a label is rid of first: HKWorkoutActivityType.</summary>
    public IReadOnlyList<string> Prefixes { get; init; } = [];

    /// <summary>The label to be stored where the table's enumeration lacks the payload's; null: there is none.</summary>
    public string? Otherwise { get; init; }

    /// <summary>A metric without it is no metric.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Part of what tells one row from another, beside user_id. Need not be required.</summary>
    public bool IsKey { get; init; }
}

/// <summary>value x Factor + Offset is in the column's unit.</summary>
public sealed record UnitConversion(string Unit, double Factor, double Offset = 0);

/// <summary>A name that an iOS export gives to a list of measurements, e.g. step_count or HKQuantityTypeIdentifierStepCount.</summary>
public sealed record IosMetric
{
    public required string Name { get; init; }

    public required MetricType Type { get; init; }

    /// <summary>The column that takes the value; null: the measurement's fields are named as those of the type.</summary>
    public MetricColumn? Column { get; init; }

    /// <summary>What the name says by itself: symptom_type is headache. A boolean column may have ">= 85", told by the value.</summary>
    public IReadOnlyList<IosConstant> Constants { get; init; } = [];
}

/// <summary>A value that is not in the payload but in a metric's name.</summary>
public sealed record IosConstant(MetricColumn Column, string Text);
