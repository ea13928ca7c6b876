using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Core.Staging;

/// <summary>Names of the columns the engine adds to a pipeline's own.</summary>
internal static class Lineage
{
    public const string FileId = "load_run_file_id";
    public const string RowNumber = "load_row_number";
    public const string LoadedAt = "load_ts";
}

/// <summary>A staging column that a raw column of the same name feeds.</summary>
/// <param name="Name">Column name.</param>
/// <param name="TypeName">As format_type gives it, e.g. numeric(10,2).</param>
/// <param name="BaseType">The type's name in the catalogue, e.g. numeric, int4, timestamptz.</param>
/// <param name="MaxLength">Characters, for varchar(n) and char(n).</param>
/// <param name="Precision">For numeric(p,s).</param>
/// <param name="Scale">For numeric(p,s).</param>
/// <param name="NotNull">A row without a value is rejected.</param>
/// <param name="Rule">The pipeline's rule for the column.</param>
internal sealed record StagingColumn(
    string Name, string TypeName, string BaseType, int? MaxLength, int? Precision, int? Scale, bool NotNull, ColumnRule? Rule);

/// <summary>A pair of raw and staging table, as the catalogue has them.</summary>
internal sealed record ExtractTable
{
    public required string ExtractType { get; init; }
    public required string RawSchema { get; init; }
    public required string StagingSchema { get; init; }
    public required string Name { get; init; }

    /// <summary>Raw columns in the file's order, lineage left out.</summary>
    public required IReadOnlyList<string> RawColumns { get; init; }

    public required IReadOnlyList<StagingColumn> Columns { get; init; }

    /// <summary>The natural key: columns of the staging table's unique index.</summary>
    public required IReadOnlyList<StagingColumn> Key { get; init; }

    public required bool HasLoadedAt { get; init; }

    /// <summary>The zone of dates that name none.</summary>
    public required string TimeZone { get; init; }

    /// <summary>schema.table, for messages and results.</summary>
    public string RawName => $"{RawSchema}.{Name}";

    public string StagingName => $"{StagingSchema}.{Name}";

    /// <summary>Quoted, for SQL.</summary>
    public string RawSql => SqlIdentifier.Qualify(RawSchema, Name);

    public string StagingSql => SqlIdentifier.Qualify(StagingSchema, Name);
}
