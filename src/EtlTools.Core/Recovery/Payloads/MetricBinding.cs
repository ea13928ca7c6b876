using System.Globalization;
using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>What the mapping knows about a column, where the reader looks it up for every metric.</summary>
internal readonly record struct ColumnPlan(
    MetricKind Kind, double Minimum, double Maximum, bool TakesFractions, bool HasUnit, bool IsRequired, Utf8Names<byte[]>? Values, MetricColumn Column);

/// <summary>How the elements of one list are read: the type they become, and what the list's name says.</summary>
internal sealed class MetricBinding
{
    // A payload that has more is not worth remembering.
    private const int MostUnits = 64;

    private readonly Utf8Names<UnitConversions> _units = new();

    /// <param name="map">The mapping.</param>
    /// <param name="type">What the elements are.</param>
    /// <param name="name">The type's name, or the one iOS has for the list.</param>
    /// <param name="ios">What the mapping says of the name; null: the elements have the fields of the type.</param>
    public MetricBinding(MetricMap map, MetricType type, string name, IosMetric? ios = null)
    {
        Type = type;
        Name = name;
        Column = ios?.Column;
        IsPaired = Column is not null && type.Paired.Contains(Column);
        Fields = FieldTable.For(map, type, Column);
        Constants = [.. (ios?.Constants ?? []).Select(BoundConstant.From)];
        Columns = [.. type.Columns.Select(Plan)];
    }

    public MetricType Type { get; }

    public string Name { get; }

    /// <summary>The column that takes the value; null where the elements have the fields of the type.</summary>
    public MetricColumn? Column { get; }

    /// <summary>An element is half of a metric.</summary>
    public bool IsPaired { get; }

    public FieldTable Fields { get; }

    public IReadOnlyList<BoundConstant> Constants { get; }

    public ColumnPlan[] Columns { get; }

    public UnitConversions Units(ReadOnlySpan<byte> unit)
    {
        if (!_units.TryFind(unit, out var conversions))
        {
            conversions = new UnitConversions(Type, Encoding.UTF8.GetString(unit));
            if (_units.Count < MostUnits)
            {
                _units.Add(unit, conversions);
            }
        }

        return conversions;
    }

    private ColumnPlan Plan(MetricColumn column)
    {
        Utf8Names<byte[]>? values = null;
        foreach (var (from, to) in column.Values)
        {
            values ??= new Utf8Names<byte[]>();
            values.Add(from.ToLowerInvariant(), Encoding.UTF8.GetBytes(to));
        }

        // A half has what the metric needs only together with the other.
        var isRequired = column == Column || (column.IsRequired && !(IsPaired && Type.Paired.Contains(column)));
        return new ColumnPlan(
            column.Kind,
            column.Minimum ?? double.NegativeInfinity,
            column.Maximum ?? double.PositiveInfinity,
            column.TakesFractions,
            column.Unit is not null,
            isRequired,
            values,
            column);
    }
}

/// <param name="Column">Which.</param>
/// <param name="Text">What it is set to.</param>
/// <param name="Threshold">It is true from this value on.</param>
internal sealed record BoundConstant(MetricColumn Column, byte[] Text, double? Threshold)
{
    private const string AtLeast = ">=";

    public static BoundConstant From(IosConstant constant) => new(
        constant.Column, Encoding.UTF8.GetBytes(constant.Text), TryThreshold(constant.Text, out var threshold) ? threshold : null);

    public static bool TryThreshold(string text, out double threshold)
    {
        threshold = 0;
        return text.StartsWith(AtLeast, StringComparison.Ordinal)
            && double.TryParse(text.AsSpan(AtLeast.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out threshold);
    }
}
