using System.Diagnostics;
using System.Runtime.CompilerServices;
using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using Npgsql;

namespace EtlTools.Core.Staging;

/// <summary>One column in which staging is not what raw says.</summary>
/// <param name="Column">Its name; load_run_file_id where a row is said to come from another file than it does.</param>
/// <param name="Rows">Rows in which it differs.</param>
public sealed record StagingColumnDifference(string Column, long Rows);

/// <summary>Whether one staging table is what raw says.</summary>
public sealed record StagingIntegrityResult
{
    public required string ExtractType { get; init; }
    public required string Table { get; init; }

    /// <summary>True where nothing is missing, extra or different.</summary>
    public required bool IsIntact { get; init; }
    public long Rows { get; init; }

    /// <summary>Keys that raw has and staging lacks.</summary>
    public long Missing { get; init; }

    /// <summary>Keys that staging has and raw does not give.</summary>
    public long Extra { get; init; }

    /// <summary>Keys with other values or another lineage.</summary>
    public long Different { get; init; }

    /// <summary>The columns in which those keys differ, the worst first.</summary>
    public IReadOnlyList<StagingColumnDifference> DifferentColumn { get; init => field = JoinedList.Of(value); } = JoinedList.Empty<StagingColumnDifference>();

    /// <summary>Files loaded with staging left for later; their rows are not counted as missing.</summary>
    public int UnstagedFiles { get; init; }
    public TimeSpan Elapsed { get; init; }
}

/// <summary>Rebuilds staging from raw beside the real one, inside the database, and compares.</summary>
public sealed class StagingIntegrity(EtlDatabase database, PipelineConfig pipeline)
{
    /// <summary>One result a type; all types of the pipeline where none is named.</summary>
    /// <exception cref="EtlException">ExtractTypeUnknown, those of the schema and of connecting.</exception>
    public async IAsyncEnumerable<StagingIntegrityResult> TestAsync(
        IReadOnlyList<string> extractTypes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        var tables = new ExtractTableReader(pipeline);
        foreach (var extractType in extractTypes.Count > 0 ? extractTypes : pipeline.ExtractTypes.Select(type => type.Name))
        {
            yield return await TestAsync(tables, extractType, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<StagingIntegrityResult> TestAsync(ExtractTableReader tables, string extractType, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var table = await tables.GetAsync(connection, extractType, cancellationToken).ConfigureAwait(false);
            var segments = await RawSegments.AllAsync(connection, table, cancellationToken).ConfigureAwait(false);

            // One statement, one snapshot: a load that commits meanwhile is seen whole or not at all.
            var staging = new StagingSql(table);
            var found = await connection.QuerySingleAsync<Comparison>(new CommandDefinition(
                staging.Compare(segments), commandTimeout: 0, cancellationToken: cancellationToken)).ConfigureAwait(false);
            var unstaged = await connection.QuerySingleAsync<int>(new CommandDefinition(
                StagingRunSql.CountUnstaged,
                new { pipeline = pipeline.Name, extractType = table.ExtractType },
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            return new StagingIntegrityResult
            {
                ExtractType = table.ExtractType,
                Table = table.StagingName,
                IsIntact = found is { Missing: 0, Extra: 0, Different: 0 },
                Rows = found.Rows,
                Missing = found.Missing,
                Extra = found.Extra,
                Different = found.Different,
                DifferentColumn = [.. staging.ComparedColumns()
                    .Zip(found.ByColumn, (column, rows) => new StagingColumnDifference(column, rows))
                    .Where(column => column.Rows > 0)
                    .OrderByDescending(column => column.Rows)],
                UnstagedFiles = unstaged,
                Elapsed = clock.Elapsed,
            };
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, extractType);
        }
    }

    private sealed record Comparison
    {
        public long Rows { get; init; }
        public long Missing { get; init; }
        public long Extra { get; init; }
        public long Different { get; init; }
        public long[] ByColumn { get; init; } = [];
    }
}
