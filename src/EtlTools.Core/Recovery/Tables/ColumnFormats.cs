using EtlTools.Core.Recovery.Payloads;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>Which types of columns can be written, and what they can hold.</summary>
internal static class ColumnFormats
{
    /// <summary>By pg_type.typname; null for a type that is not written.</summary>
    public static ColumnFormat? Of(string baseType) => baseType switch
    {
        "int2" => ColumnFormat.Int16,
        "int4" => ColumnFormat.Int32,
        "int8" => ColumnFormat.Int64,
        "float4" => ColumnFormat.Single,
        "float8" => ColumnFormat.Double,
        "numeric" => ColumnFormat.Numeric,
        "bool" => ColumnFormat.Boolean,
        "uuid" => ColumnFormat.Uuid,
        "timestamptz" or "timestamp" => ColumnFormat.Instant,
        "date" => ColumnFormat.Date,
        "text" or "varchar" or "bpchar" or "citext" => ColumnFormat.Text,
        "json" => ColumnFormat.Json,
        "jsonb" => ColumnFormat.JsonBinary,
        "_text" or "_varchar" => ColumnFormat.TextList,
        _ => null,
    };

    public static bool CanHold(ColumnFormat format, MetricKind kind) => kind switch
    {
        MetricKind.Number or MetricKind.Integer => format is ColumnFormat.Int16 or ColumnFormat.Int32 or ColumnFormat.Int64
            or ColumnFormat.Single or ColumnFormat.Double or ColumnFormat.Numeric or ColumnFormat.Text,
        MetricKind.Text => format is ColumnFormat.Text or ColumnFormat.Label,
        MetricKind.Boolean => format is ColumnFormat.Boolean or ColumnFormat.Int16 or ColumnFormat.Int32 or ColumnFormat.Text,
        MetricKind.Time => format is ColumnFormat.Instant or ColumnFormat.Date,
        MetricKind.Json => format is ColumnFormat.Json or ColumnFormat.JsonBinary or ColumnFormat.TextList or ColumnFormat.Text,
        MetricKind.Uuid => format is ColumnFormat.Uuid,
        _ => false,
    };
}
