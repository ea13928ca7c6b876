namespace EtlTools.Core.Tables.Configuration;

/// <summary>Whose files a table configuration is like.</summary>
public enum TableConfigGeneration
{
    /// <summary>What EtlTools writes: tables below format: etltools.</summary>
    Current,

    /// <summary>One incremental_column a table, or a list, below source_tables (June and July 2025).</summary>
    SourceTables,

    /// <summary>With metadata, sync_profile and lookback_resync, below tables (since October 2025).</summary>
    Analyzed,
}

/// <summary>The tables of a source and how each is synced: a file such as tables.yaml.</summary>
public sealed record TableSyncConfig
{
    /// <summary>Null where it was not read from a file.</summary>
    public string? Path { get; init; }

    public TableConfigGeneration Generation { get; init; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<TableConfig> Tables { get; init; } = [];

    /// <summary>Settings of older files that say nothing to EtlTools, as file:line: name.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>Compared as written, else without case.</summary>
    public TableConfig? Find(string name) =>
        Tables.FirstOrDefault(table => table.Name == name)
        ?? Tables.FirstOrDefault(table => string.Equals(table.Name, name, StringComparison.OrdinalIgnoreCase));
}
