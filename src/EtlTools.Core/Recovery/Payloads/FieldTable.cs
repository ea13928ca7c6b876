namespace EtlTools.Core.Recovery.Payloads;

/// <summary>What a field of a payload is for.</summary>
internal enum FieldRole : byte
{
    Unknown,
    Ignored,

    /// <summary>Goes into a column.</summary>
    Column,

    /// <summary>The value of a measurement, whatever its column.</summary>
    Value,

    Unit,

    /// <summary>The name of the metric's type.</summary>
    Type,

    /// <summary>An object, some of whose fields are wanted.</summary>
    Group,
}

/// <param name="Role">What it is for.</param>
/// <param name="Column">Ordinal of the column.</param>
/// <param name="Rank">Where several fields of a metric say the same, that with the lowest counts.</param>
/// <param name="Inner">The fields of a group.</param>
internal readonly record struct FieldTarget(FieldRole Role, int Column = -1, byte Rank = 0, FieldTable? Inner = null);

/// <summary>The fields of one kind of object.</summary>
internal sealed class FieldTable
{
    private readonly Utf8Names<FieldTarget> _fields = new();

    /// <summary>The fields of a type's metrics.</summary>
    /// <param name="map">The mapping.</param>
    /// <param name="type">The type.</param>
    /// <param name="column">The column that the value goes into; null: there is no field that is only called a value.</param>
    public static FieldTable For(MetricMap map, MetricType type, MetricColumn? column)
    {
        var table = new FieldTable();
        if (column is not null)
        {
            var fields = column.Kind == MetricKind.Text ? map.TextValueFields : map.ValueFields;
            table.AddAll(fields, FieldRole.Value, column.Ordinal);
        }

        foreach (var own in type.Columns)
        {
            table.AddAll(own.Fields, FieldRole.Column, own.Ordinal);
        }

        table.AddAll(map.UnitFields, FieldRole.Unit);
        table.AddAll(type.IgnoredFields, FieldRole.Ignored);
        table.AddAll(map.IgnoredFields, FieldRole.Ignored);
        table._fields.Add("type"u8, new FieldTarget(FieldRole.Type));
        return table;
    }

    /// <summary>The fields of an object that stands where a number could: {"qty": 1, "units": "kg"}.</summary>
    public static FieldTable ForQuantity(MetricMap map)
    {
        var table = new FieldTable();
        table.AddAll(map.ValueFields, FieldRole.Value);
        table.AddAll(map.UnitFields, FieldRole.Unit);
        return table;
    }

    public FieldTarget Find(ReadOnlySpan<byte> name) => _fields.TryFind(name, out var target) ? target : default;

    private void AddAll(IReadOnlyList<string> names, FieldRole role, int column = -1)
    {
        for (var rank = 0; rank < names.Count; rank++)
        {
            Add(names[rank], new FieldTarget(role, column, (byte)Math.Min(rank, byte.MaxValue - 1)));
        }
    }

    // metadata.average is the field "average" of the object "metadata".
    private void Add(string name, FieldTarget target)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
        {
            _fields.Add(name, target);
            return;
        }

        var group = System.Text.Encoding.UTF8.GetBytes(name[..dot]);
        var inner = Find(group).Inner;
        if (inner is null)
        {
            inner = new FieldTable();
            _fields.Add(group, new FieldTarget(FieldRole.Group, Inner: inner));
        }

        inner.Add(name[(dot + 1)..], target);
    }
}
