using EtlTools.Core.Database;

namespace EtlTools.Core.Recovery.Ingestions;

/// <summary>The table raw_ingestions as it stands in a database: deployments differ in its columns and types.</summary>
internal sealed record IngestionTable
{
    public const string TableName = "raw_ingestions";

    public required string Schema { get; init; }

    /// <summary>Column name to type, as format_type writes it.</summary>
    public required IReadOnlyDictionary<string, string> Columns { get; init; }

    /// <summary>The labels of a status that is an enum, in their order; null where it is a text.</summary>
    public IReadOnlyList<string>? StatusLabels { get; init; }

    public required bool IsPartitioned { get; init; }

    /// <summary>schema.table, for people.</summary>
    public string Name => $"{Schema}.{TableName}";

    /// <summary>"schema"."table", for SQL.</summary>
    public string Sql => SqlIdentifier.Qualify(Schema, TableName);

    public bool Has(string column) => Columns.ContainsKey(column);

    /// <summary>The column of an alias, or a NULL of the type where the deployment has no such column.</summary>
    public string ColumnSql(string alias, string column, string type) =>
        Has(column) ? $"{alias}.{SqlIdentifier.Quote(column)}" : $"NULL::{type}";

    /// <summary>The status as text, whatever type it is.</summary>
    public string StatusSql(string alias) => Has("processing_status") ? $"{alias}.processing_status::text" : "NULL::text";

    /// <summary>processing_errors as jsonb. Text that is none becomes a JSON string.</summary>
    public string ErrorsSql(string alias) => Columns.GetValueOrDefault("processing_errors") switch
    {
        null => "NULL::jsonb",
        "jsonb" => $"{alias}.processing_errors",
        "json" => $"{alias}.processing_errors::jsonb",
        _ => $"to_jsonb({alias}.processing_errors::text)",
    };

    /// <summary>True for a payload that says it was not kept. Only small payloads are unpacked to be looked at.</summary>
    public string IsStubSql(string alias) => Columns.GetValueOrDefault("raw_payload") == "jsonb"
        ? $"CASE WHEN pg_column_size({alias}.raw_payload) < 2000 THEN {alias}.raw_payload @> '{{\"large_payload\": true}}' ELSE false END"
        : "false";
}
