namespace EtlTools.Core.Tables.Sources;

/// <summary>A table of the source as its catalogue has it.</summary>
internal sealed record SourceTable
{
    public required string Name { get; init; }

    /// <summary>InnoDB, MyISAM, Aria, ...; empty for a view.</summary>
    public string Engine { get; init; } = "";

    /// <summary>A table of such an engine cannot be read as it was at one moment: whoever writes to it waits while it is read.</summary>
    public bool LocksWriters => Engine is not ("" or "InnoDB" or "RocksDB" or "TokuDB");

    /// <summary>As the server estimates; exact for MyISAM and Aria.</summary>
    public long EstimatedRows { get; init; }

    public long Bytes { get; init; }

    /// <summary>In their order.</summary>
    public IReadOnlyList<SourceColumn> Columns { get; init; } = [];

    /// <summary>The whole primary key, else the first unique key whose columns are never NULL; empty where there is neither.</summary>
    public IReadOnlyList<string> Key { get; init; } = [];

    /// <summary>Every unique key whose columns are never NULL, the primary one among them.</summary>
    public IReadOnlyList<IReadOnlyList<string>> UniqueKeys { get; init; } = [];

    /// <summary>The source itself sees to it that no two rows have the same values of these columns.</summary>
    public bool IsUniqueBy(IReadOnlyCollection<string> columns) =>
        UniqueKeys.Any(key => columns.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(key));

    public SourceColumn? Find(string column) =>
        Columns.FirstOrDefault(known => known.Name == column)
        ?? Columns.FirstOrDefault(known => string.Equals(known.Name, column, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A column as information_schema describes it.</summary>
internal sealed record SourceColumn
{
    public required string Name { get; init; }

    /// <summary>In lower case and without length, e.g. bigint.</summary>
    public required string DataType { get; init; }

    /// <summary>With length and signedness, e.g. bigint(20) unsigned.</summary>
    public required string ColumnType { get; init; }

    public bool IsNullable { get; init; }

    /// <summary>In characters, for texts; in bytes, for bytes.</summary>
    public long? Length { get; init; }

    public int? Precision { get; init; }

    public int? Scale { get; init; }

    /// <summary>Decimals of the seconds.</summary>
    public int FractionDigits { get; init; }

    public bool IsAutoIncrement { get; init; }

    /// <summary>Of texts; null for anything else.</summary>
    public string? CharacterSet { get; init; }

    /// <summary>The server sets it whenever the row changes.</summary>
    public bool TracksUpdates { get; init; }

    public bool IsUnsigned => ColumnType.Contains("unsigned", StringComparison.OrdinalIgnoreCase);

    public bool IsInteger => DataType is "tinyint" or "smallint" or "mediumint" or "int" or "bigint";

    public bool IsDate => DataType is "date" or "datetime" or "timestamp";
}

/// <param name="Table">Whose rows point to others.</param>
/// <param name="Column">The pointer.</param>
/// <param name="Referenced">The table of those others.</param>
internal sealed record TableReference(string Table, string Column, string Referenced);
