using System.Data.Common;
using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;

namespace EtlTools.Core.Discovery;

/// <summary>What discovery asks the ledger. A connection is held for one question only.</summary>
internal sealed class DiscoveryLedger(EtlDatabase database, PipelineConfig pipeline)
{
    private const string Table = "etl.load_run_files";

    /// <summary>Longer than any ledger is kept. Much longer spans lead before the first date that PostgreSQL knows.</summary>
    private static readonly TimeSpan AnyAge = TimeSpan.FromDays(100 * 365);

    private readonly string _container = SourceStoreFactory.ContainerOf(pipeline.Source);

    /// <summary>Those whose content is not known, in the given order, with New or Changed.</summary>
    public async Task<IReadOnlyList<(SourceFile File, PlanReason Reason)>> KeepUnknownAsync(
        IReadOnlyList<SourceFile> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return [];
        }

        var rows = await QueryAsync<UnknownRow>(DiscoverySql.Unknown, Question(files), cancellationToken).ConfigureAwait(false);
        return rows.Select(row => (files[row.Index], row.IsChanged ? PlanReason.Changed : PlanReason.New)).ToList();
    }

    /// <summary>One answer a file, in the given order.</summary>
    public async Task<IReadOnlyList<KnownContent>> LookUpAsync(
        IReadOnlyList<SourceFile> files, CancellationToken cancellationToken) =>
        files.Count == 0
            ? []
            : await QueryAsync<KnownContent>(DiscoverySql.Known, Question(files), cancellationToken).ConfigureAwait(false);

    /// <summary>In no order.</summary>
    public async Task<IReadOnlyList<FailedFile>> GetFailedAsync(
        FileFilter filter, TimeSpan maxAge, CancellationToken cancellationToken) =>
        (await QueryFailedAsync(filter, maxAge, cancellationToken).ConfigureAwait(false)).Select(ToFailedFile).ToList();

    /// <summary>Those of <see cref="GetFailedAsync"/>, and how many are older.</summary>
    public async Task<(IReadOnlyList<FailedFile> Failed, int Aged)> GetFailedOfAnyAgeAsync(
        FileFilter filter, TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var rows = await QueryFailedAsync(filter, AnyAge, cancellationToken).ConfigureAwait(false);
        var young = rows.Where(row => row.AskedAt - row.LastAttemptAt <= maxAge).ToList();
        return (young.ConvertAll(ToFailedFile), rows.Count - young.Count);
    }

    private Task<IReadOnlyList<FailedRow>> QueryFailedAsync(FileFilter filter, TimeSpan maxAge, CancellationToken cancellationToken) =>
        QueryAsync<FailedRow>(
            DiscoverySql.Failed,
            new
            {
                pipeline = pipeline.Name,
                container = _container,
                prefix = pipeline.Source.Prefix,
                maxAge = maxAge < AnyAge ? maxAge : AnyAge,
                types = LedgerNames(filter.ExtractTypes),
                from = filter.From,
                to = filter.To,
            },
            cancellationToken);

    /// <summary>Attempts that only a reprocess loads again, by id.</summary>
    public Task<IReadOnlyList<int>> GetWithdrawnAsync(FileFilter filter, CancellationToken cancellationToken) => QueryAsync<int>(
        DiscoverySql.Withdrawn,
        new { pipeline = pipeline.Name, types = LedgerNames(filter.ExtractTypes), from = filter.From, to = filter.To },
        cancellationToken);

    // The ledger may hold a type under any of its names. Null: all types.
    private string[]? LedgerNames(IReadOnlyList<string> extractTypes) => extractTypes.Count == 0 ? null : extractTypes
        .Select(name => ExtractTypeOrder.Resolve(pipeline, name))
        .SelectMany(type => type.Aliases.Prepend(type.Name))
        .Select(name => name.ToLowerInvariant())
        .Distinct()
        .ToArray();

    private object Question(IReadOnlyList<SourceFile> files) => new
    {
        container = _container,
        keys = files.Select(file => file.Object.Key).ToArray(),
        hashes = files.Select(file => file.FileHash).ToArray(),
    };

    private FailedFile ToFailedFile(FailedRow row)
    {
        var lastAttemptAt = new DateTimeOffset(row.LastAttemptAt);
        var nextTryAt = RetryBackoff.NextTry(row.Attempts, lastAttemptAt);
        var (status, state) = row.Status switch
        {
            "pending" => (LoadFileStatus.Pending, "Pending"),
            "processing" => (LoadFileStatus.Processing, "LeftBehind"),
            _ => (LoadFileStatus.Failed, "Failed"),
        };
        return new FailedFile
        {
            LoadRunFileId = row.LoadRunFileId,
            LoadRunId = row.LoadRunId,
            FileName = FileNameConvention.BaseName(row.Key),
            ExtractType = pipeline.FindExtractType(row.ExtractType)?.Name ?? row.ExtractType,
            Container = row.Container,
            Key = row.Key,
            Status = status,
            State = state,
            Attempts = row.Attempts,
            LastAttemptAt = lastAttemptAt,
            NextTryAt = nextTryAt,
            IsDue = nextTryAt <= new DateTimeOffset(row.AskedAt),
            ErrorCode = row.ErrorCode,
            Error = row.Error,
            ExtractedAt = row.ExtractedAt,
            PerOrgId = row.PerOrgId,
            PracticeId = row.PracticeId,
            FileHash = row.FileHash,
        };
    }

    private async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object parameters, CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var command = new CommandDefinition(sql, parameters, cancellationToken: cancellationToken);
            return (await connection.QueryAsync<T>(command).ConfigureAwait(false)).AsList();
        }
        catch (Exception exception) when (DatabaseErrors.IsDatabaseError(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw DatabaseErrors.Translate(exception, Table);
        }
    }

    /// <summary>What the ledger has on one content.</summary>
    internal sealed record KnownContent
    {
        /// <summary>0 where the content is not known.</summary>
        public int Attempts { get; init; }

        /// <summary>An attempt at this content is loaded and counts.</summary>
        public bool IsLoaded { get; init; }

        /// <summary>Other content is loaded under the same key.</summary>
        public bool IsChanged { get; init; }
    }

    private sealed record UnknownRow
    {
        public int Index { get; init; }

        public bool IsChanged { get; init; }
    }

    private sealed record FailedRow
    {
        public int LoadRunFileId { get; init; }

        public Guid LoadRunId { get; init; }

        public string Container { get; init; } = "";

        public string Key { get; init; } = "";

        public string FileHash { get; init; } = "";

        public string ExtractType { get; init; } = "";

        public string PerOrgId { get; init; } = "";

        public string PracticeId { get; init; } = "";

        public DateTime? ExtractedAt { get; init; }

        public string Status { get; init; } = "";

        public DateTime LastAttemptAt { get; init; }

        public string? ErrorCode { get; init; }

        public string? Error { get; init; }

        public int Attempts { get; init; }

        public DateTime AskedAt { get; init; }
    }
}
