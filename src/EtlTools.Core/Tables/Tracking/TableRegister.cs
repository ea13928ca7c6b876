using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Tables.Tracking;

/// <summary>The tables that Sync-Table found in configurations, which health watches.</summary>
public sealed class TableRegister(EtlDatabase database)
{
    /// <summary>Has health forget tables, until a sync of a configuration that names them. Copies, history and ledger stay.</summary>
    /// <param name="targets">Which.</param>
    /// <param name="isPreview">Rolled back.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Those that are forgotten, the most important first.</returns>
    /// <exception cref="EtlException">TableNotRegistered, and then all stay; SchemaMissing, those of connecting.</exception>
    public async Task<IReadOnlyList<RegisteredTable>> RemoveAsync(
        IReadOnlyCollection<RegisteredTableTarget> targets, bool isPreview, CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        return await Transient.AskAsync(
            database,
            "etl.configured_tables",
            async (connection, token) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(token).ConfigureAwait(false);
                var rows = await connection.QueryAsync<Row>(new CommandDefinition(
                    TrackingSql.RemoveConfigured,
                    new { sources = targets.Select(target => target.Source).ToArray(), names = targets.Select(target => target.Name).ToArray() },
                    cancellationToken: token)).ConfigureAwait(false);
                var tables = rows.Select(row => row.ToTable()).OrderBy(table => table.Importance)
                    .ThenBy(table => table.Source, StringComparer.Ordinal).ThenBy(table => table.Name, StringComparer.Ordinal).ToList();
                Require(targets, tables);
                if (!isPreview)
                {
                    await transaction.CommitAsync(token).ConfigureAwait(false);
                }

                return tables;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static void Require(IEnumerable<RegisteredTableTarget> targets, List<RegisteredTable> tables)
    {
        foreach (var target in targets.Where(target => !tables.Exists(table => table.Source == target.Source && (target.Name ?? table.Name) == table.Name)))
        {
            throw new EtlException(
                EtlErrorKind.NotFound,
                "TableNotRegistered",
                target.Name is null ? $"Health knows no table of a source {target.Source}." : $"Health knows no table {target.Name} of a source {target.Source}.",
                target.Name ?? target.Source,
                "(Get-ProcessingHealth).Table lists the tables that it knows, with their sources.");
        }
    }

    private sealed record Row
    {
        public string Source { get; init; } = "";
        public string Name { get; init; } = "";
        public string Schema { get; init; } = "";
        public string Importance { get; init; } = "";
        public DateTime ConfiguredAt { get; init; }
        public DateTime? LastSuccessAt { get; init; }

        public RegisteredTable ToTable() => new()
        {
            Source = Source,
            Name = Name,
            Schema = Schema,
            Importance = Words.Parse<TableImportance>(Importance),
            ConfiguredAt = new DateTimeOffset(ConfiguredAt),
            LastSuccessAt = LastSuccessAt is { } at ? new DateTimeOffset(at) : null,
        };
    }
}

/// <param name="Source">Of the table.</param>
/// <param name="Name">Of the table; null: all of the source.</param>
public sealed record RegisteredTableTarget(string Source, string? Name);

/// <summary>A table that health watches.</summary>
public sealed record RegisteredTable
{
    public string Source { get; init; } = "";
    public string Name { get; init; } = "";

    /// <summary>Of the copy.</summary>
    public string Schema { get; init; } = "";
    public TableImportance Importance { get; init; }

    /// <summary>When a sync first found it in its configuration.</summary>
    public DateTimeOffset ConfiguredAt { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
}
