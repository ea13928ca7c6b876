namespace EtlTools.Core.Recovery.Payloads;

/// <summary>What one unit of measurement means for each column of a type.</summary>
internal sealed class UnitConversions
{
    private readonly UnitConversion?[] _byColumn;

    public UnitConversions(MetricType type, string unit)
    {
        _byColumn = [.. type.Columns.Select(column => Find(column, unit.Trim()))];
        IsKnown = Array.Exists(_byColumn, conversion => conversion is not null);
    }

    /// <summary>Whether any column can be in this unit.</summary>
    public bool IsKnown { get; }

    /// <summary>Null where the column cannot be in this unit.</summary>
    public UnitConversion? this[int column] => _byColumn[column];

    // Cal is a thousand cal: only where the case as it is says nothing another is tried.
    private static UnitConversion? Find(MetricColumn column, string unit)
    {
        if (column.Unit is null)
        {
            return null;
        }

        var all = column.Conversions.Prepend(new UnitConversion(column.Unit, 1)).ToList();
        return all.Find(conversion => conversion.Unit == unit)
            ?? all.Find(conversion => string.Equals(conversion.Unit, unit, StringComparison.OrdinalIgnoreCase));
    }
}
