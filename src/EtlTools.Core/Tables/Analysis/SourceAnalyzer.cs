using System.Collections.Concurrent;
using System.Diagnostics;
using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>How far an analysis has come.</summary>
public sealed record AnalysisProgress(int TablesDone, int TablesTotal, TimeSpan? TimeLeft);

/// <summary>What an analysis found.</summary>
public sealed record SourceAnalysis
{
    /// <summary>The name of the source.</summary>
    public required string Source { get; init; }

    public required string Database { get; init; }

    /// <summary>In the order of their names.</summary>
    public required IReadOnlyList<TableConfig> Tables { get; init; }

    /// <summary>True where only some tables were asked for: it says nothing about the others.</summary>
    public bool IsPartial { get; init; }

    /// <summary>Views, which are not copied unless an admin adds them.</summary>
    public int Views { get; init; }

    /// <summary>Tables whose rows could not be looked at, with the reason. They are configured without incremental columns.</summary>
    public IReadOnlyDictionary<string, string> Unread { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Tables that know no snapshots, as those of MyISAM: whoever writes to one waits while it is read.</summary>
    public IReadOnlyList<string> LocksWriters { get; init; } = [];

    public TimeSpan Duration { get; init; }
}

/// <summary>Looks at a source and says how each of its tables is best copied. It reads the catalogue and a sample of each table's dates.</summary>
public sealed class SourceAnalyzer
{
    public const int DefaultMaxConcurrency = 4;

    private readonly ISourceDatabase _source;

    public SourceAnalyzer(SourceConnection source)
        : this(new ClientDatabase(source))
    {
    }

    internal SourceAnalyzer(ISourceDatabase source) => _source = source;

    /// <param name="names">Only these tables; empty: all of them.</param>
    /// <param name="maxConcurrency">Sessions of the source that read samples side by side.</param>
    /// <param name="progress">Told after each table.</param>
    /// <param name="cancellationToken">Ends the sessions.</param>
    /// <exception cref="EtlException">SourceTableMissing, SourceUnreachable, SourceAuthenticationFailed, ...</exception>
    public async Task<SourceAnalysis> AnalyzeAsync(
        IReadOnlyCollection<string> names, int maxConcurrency, IProgress<AnalysisProgress>? progress, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await using var first = await _source.OpenAsync(cancellationToken).ConfigureAwait(false);

        // References come from anywhere: the catalogue is read whole, also where a few tables are asked for.
        var catalogue = await SourceCatalogue.ReadAsync(first, [], cancellationToken).ConfigureAwait(false);
        var tables = catalogue.Where(table => table.Engine.Length > 0).ToList();
        var references = new SourceReferences(tables, await SourceCatalogue.ReadReferencesAsync(first, cancellationToken).ConfigureAwait(false));
        var asked = Select(tables, names);
        var window = DateWindow.At(DateTimeOffset.UtcNow);
        var found = new ConcurrentDictionary<string, TableConfig>(StringComparer.Ordinal);
        var unread = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        await using var sessions = new Pool<ISourceSession>(_source.OpenAsync);
        await Parallel.ForEachAsync(
            asked,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, maxConcurrency), CancellationToken = cancellationToken },
            async (table, token) =>
            {
                var columns = await ReadColumnsAsync(table, window, sessions, unread, token).ConfigureAwait(false);
                found[table.Name] = TableRules.Of(table, references, columns, window);
                progress?.Report(new AnalysisProgress(found.Count, asked.Count, Pace.TimeLeft(clock.Elapsed.TotalSeconds, found.Count, asked.Count)));
            }).ConfigureAwait(false);

        return new SourceAnalysis
        {
            Source = _source.Connection.Name,
            Database = _source.Connection.Database,
            Tables = [.. asked.Select(table => found[table.Name])],
            IsPartial = names.Count > 0,
            Views = catalogue.Count - tables.Count,
            Unread = unread,
            LocksWriters = [.. asked.Where(table => table.LocksWriters).Select(table => table.Name)],
            Duration = clock.Elapsed,
        };
    }

    private static List<SourceTable> Select(List<SourceTable> tables, IReadOnlyCollection<string> names)
    {
        foreach (var name in names)
        {
            if (!tables.Exists(table => string.Equals(table.Name, name, StringComparison.OrdinalIgnoreCase)))
            {
                throw new EtlException(
                    EtlErrorKind.NotFound,
                    "SourceTableMissing",
                    $"The source has no table {name}.",
                    name,
                    Nearest.Find(name, tables.Select(table => table.Name)) is { } meant ? $"Did you mean {meant}?" : "Check the table's name, and whether the user may read it.");
            }
        }

        return names.Count == 0 ? tables : tables.FindAll(table => names.Contains(table.Name, StringComparer.OrdinalIgnoreCase));
    }

    private static async Task<IncrementalColumns> ReadColumnsAsync(
        SourceTable table, DateWindow window, Pool<ISourceSession> sessions, ConcurrentDictionary<string, string> unread, CancellationToken cancellationToken)
    {
        var candidates = IncrementalColumns.Candidates(table);
        if (candidates.Count == 0)
        {
            return new IncrementalColumns();
        }

        try
        {
            var samples = await sessions.UseAsync(
                session => DateSampler.ReadAsync(session, table, candidates, window, cancellationToken), cancellationToken).ConfigureAwait(false);
            return IncrementalColumns.Judge(table, samples, window);
        }
        catch (EtlException failure) when (failure.Kind is EtlErrorKind.Permission or EtlErrorKind.Source)
        {
            // One table that is damaged or closed to this user does not end the analysis of the others.
            unread[table.Name] = failure.ErrorId;
            return new IncrementalColumns();
        }
    }
}
