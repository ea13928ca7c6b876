using System.Globalization;
using System.Runtime.CompilerServices;
using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Reprocessing;
using Npgsql;

namespace EtlTools.Core.Runs;

/// <summary>Reads the ledger, and closes runs.</summary>
/// <param name="database">Where it is.</param>
/// <param name="pipeline">Knows extract types by all of their names; without it they have the name that the ledger has.</param>
public sealed class RunLedger(EtlDatabase database, PipelineConfig? pipeline = null)
{
    // What an earlier system wrote may hold patients' data, so it stays where it is.
    private const string NotesKeptBack = "recorded by the earlier system; read etl.load_runs.notes in the database";
    private const string MessageKeptBack = "recorded by the earlier system; read etl.load_run_files.error_message in the database";

    private readonly RunCloser _closer = new(database);

    /// <summary>Newest first, as they are read. Every run shows its problems, by the query's limits, asked for or not.</summary>
    /// <exception cref="EtlException">LoadRunNotFound, ExtractTypeUnknown, FirstInvalid, StuckAfterInvalid, MaxErrorRateInvalid.</exception>
    public async IAsyncEnumerable<LoadRun> GetRunsAsync(
        RunQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RequireLimits(query);
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        await RequireRunsAsync(connection, query.LoadRunIds, cancellationToken).ConfigureAwait(false);
        var types = await LedgerNamesAsync(connection, query.ExtractTypes, cancellationToken).ConfigureAwait(false);
        var filter = Filter(query with { ExtractTypes = types });
        var liveness = await AskAsync(() => RunLiveness.ReadAsync(connection, cancellationToken)).ConfigureAwait(false);
        filter.Set("leases_visible", liveness.LeasesVisible);
        filter.Set("dead", liveness.Dead);
        var runs = RowStream.ReadAsync(
            connection, LedgerSql.SelectRuns(filter), filter.Parameters, LedgerRows.ToRun, "etl.load_runs", cancellationToken);
        await foreach (var run in runs.ConfigureAwait(false))
        {
            yield return run;
        }
    }

    /// <summary>In the order they were begun.</summary>
    /// <exception cref="EtlException">LoadRunNotFound, LoadFileNotFound, ExtractTypeUnknown, FirstInvalid.</exception>
    public async IAsyncEnumerable<LoadFile> GetFilesAsync(
        FileQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        await RequireRunsAsync(connection, query.LoadRunIds, cancellationToken).ConfigureAwait(false);
        await RequireFilesAsync(connection, query.LoadRunFileIds, cancellationToken).ConfigureAwait(false);
        var types = await LedgerNamesAsync(connection, query.ExtractTypes, cancellationToken).ConfigureAwait(false);
        var filter = Filter(query with { ExtractTypes = types });
        var files = RowStream.ReadAsync(
            connection, LedgerSql.SelectFiles(filter), filter.Parameters, LedgerRows.ToFile, "etl.load_run_files", cancellationToken);
        await foreach (var file in files.ConfigureAwait(false))
        {
            yield return file;
        }
    }

    /// <summary>In the order they were rejected, without their content.</summary>
    /// <exception cref="EtlException">LoadRunNotFound, LoadFileNotFound, ExtractTypeUnknown, FirstInvalid.</exception>
    public async IAsyncEnumerable<RejectedRow> GetRejectedRowsAsync(
        RejectedRowQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        await RequireRunsAsync(connection, query.LoadRunIds, cancellationToken).ConfigureAwait(false);
        await RequireFilesAsync(connection, query.LoadRunFileIds, cancellationToken).ConfigureAwait(false);
        var types = await LedgerNamesAsync(connection, query.ExtractTypes, cancellationToken).ConfigureAwait(false);
        var filter = Filter(query with { ExtractTypes = types });
        var rows = RowStream.ReadAsync(
            connection, LedgerSql.SelectRejectedRows(filter), filter.Parameters, LedgerRows.ToRejectedRow, "etl.rejected_rows", cancellationToken);
        await foreach (var row in rows.ConfigureAwait(false))
        {
            yield return row;
        }
    }

    /// <summary>What a rejected row holds: patients' data, for an admin who asks for it.</summary>
    /// <exception cref="EtlException">RejectedRowNotFound.</exception>
    public async Task<RejectedRowContent> GetRejectedRowContentAsync(long rejectedRowId, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        var parameters = new { id = rejectedRowId };
        var row = await AskAsync(() => connection.QuerySingleOrDefaultAsync<(string Stage, byte[]? Content)?>(new CommandDefinition(
            LedgerSql.RejectedRow, parameters, cancellationToken: cancellationToken))).ConfigureAwait(false)
            ?? throw LedgerErrors.RejectedRowNotFound(rejectedRowId);
        var fields = await AskAsync(() => connection.QueryAsync<(string Name, string? Value)>(new CommandDefinition(
            LedgerSql.RejectedRowFields, parameters, cancellationToken: cancellationToken))).ConfigureAwait(false);
        return new RejectedRowContent
        {
            RejectedRowId = rejectedRowId,
            Stage = row.Stage,
            Fields = new OrderedDictionary<string, string?>(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))),
            Text = row.Content is null ? null : RowText.Read(row.Content),
            Bytes = row.Content,
        };
    }

    /// <summary>
    /// Ends a run. A live one is asked to stop and waited for; the request stays when the wait ends first. A dead one, or
    /// one that never gave a sign of life, is closed as failed, and its unfinished files come back as failed files.
    /// </summary>
    /// <exception cref="EtlException">ReasonEmpty, LoadRunNotFound, LoadRunNotRunning, LoadRunDoesNotStop.</exception>
    public async Task<LoadRun> StopAsync(Guid loadRunId, string reason, TimeSpan wait, CancellationToken cancellationToken)
    {
        Reasons.Require(reason);
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        await _closer.StopAsync(loadRunId, reason.Trim(), wait, cancellationToken).ConfigureAwait(false);
        return await GetRunAsync(loadRunId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What <see cref="StopAsync"/> would do now. Changes nothing.</summary>
    /// <exception cref="EtlException">LoadRunNotFound, LoadRunNotRunning.</exception>
    public async Task<LoadRunStopPlan> PreviewStopAsync(Guid loadRunId, CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        return await _closer.PreviewStopAsync(loadRunId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes all runs of the database that are proven dead, and returns their ids. A run that has no lease is not among them.</summary>
    internal async Task<IReadOnlyList<Guid>> CloseDeadRunsAsync(CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        return await _closer.CloseDeadAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <exception cref="EtlException">LoadRunNotFound.</exception>
    public async Task<LoadRun> GetRunAsync(Guid loadRunId, CancellationToken cancellationToken)
    {
        var runs = GetRunsAsync(new RunQuery { LoadRunIds = [loadRunId] }, cancellationToken);
        await foreach (var run in runs.ConfigureAwait(false))
        {
            return run;
        }

        throw LedgerErrors.RunNotFound([loadRunId]);
    }

    /// <summary>For completion: ids that begin so, the newest runs first.</summary>
    public async Task<IReadOnlyList<Guid>> GetRecentRunIdsAsync(string prefix, int limit, CancellationToken cancellationToken)
    {
        var digits = prefix.Replace("-", "", StringComparison.Ordinal);
        if (!Guid.TryParseExact(digits.PadRight(32, '0'), "N", out var from)
            || !Guid.TryParseExact(digits.PadRight(32, 'f'), "N", out var to))
        {
            return [];
        }

        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        var ids = await AskAsync(() => connection.QueryAsync<Guid>(new CommandDefinition(
            LedgerSql.RecentRunIds, new { from, to, limit = Math.Max(0, limit) }, cancellationToken: cancellationToken))).ConfigureAwait(false);
        return ids.AsList();
    }

    /// <summary>For completion: names of extract types in the ledger that begin so, whatever the case.</summary>
    public async Task<IReadOnlyList<string>> GetExtractTypesAsync(string prefix, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        var types = await AskAsync(() => connection.QueryAsync<string>(new CommandDefinition(
            LedgerSql.ExtractTypes, new { prefix }, cancellationToken: cancellationToken))).ConfigureAwait(false);
        return types.AsList();
    }

    /// <summary>For completion: practices in the ledger whose id begins so.</summary>
    public async Task<IReadOnlyList<string>> GetPracticeIdsAsync(string prefix, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        var practices = await AskAsync(() => connection.QueryAsync<string>(new CommandDefinition(
            LedgerSql.PracticeIds, new { prefix }, cancellationToken: cancellationToken))).ConfigureAwait(false);
        return practices.AsList();
    }

    private static LedgerFilter Filter(RunQuery query)
    {
        var filter = new LedgerFilter();
        filter.AddAny("r.load_run_id", "ids", query.LoadRunIds);
        filter.AddStatus("r.status", query.Status);
        filter.AddAny("r.kind", "kinds", query.Kind.Select(kind => kind.ToString().ToLowerInvariant()).ToList());
        filter.AddSince("r.started_at", query.Since);
        AddProblem(filter, query.Problem);
        if (query.ExtractTypes.Count > 0)
        {
            filter.Add(
                LedgerSql.HasExtractType, "extract_types", query.ExtractTypes.Select(type => type.ToLowerInvariant()).ToArray());
        }

        filter.Set("stuck_after", query.StuckAfter);
        filter.Set("max_error_rate", query.MaxErrorRate);
        filter.Set("notes_kept_back", NotesKeptBack);
        filter.SetFirst(query.First);
        return filter;
    }

    private static void AddProblem(LedgerFilter filter, IReadOnlyList<LoadRunProblem> problems)
    {
        if (problems.Count == 0)
        {
            return;
        }

        // The first condition is implied by the second, and spares the database the files of most runs.
        var candidates = problems.Select(problem => problem switch
        {
            LoadRunProblem.Failed => "r.status = 'failed'",
            LoadRunProblem.Stuck => "r.status = 'running'",
            _ => "r.status <> 'running'",
        });
        var verdicts = problems.Select(problem => problem switch
        {
            LoadRunProblem.Failed => "verdict.is_failed",
            LoadRunProblem.Stuck => "verdict.is_stuck",
            _ => "verdict.is_low_quality",
        });
        filter.Add($"({string.Join(" OR ", candidates.Distinct())})");
        filter.Add($"({string.Join(" OR ", verdicts.Distinct())})");
    }

    private static LedgerFilter Filter(FileQuery query)
    {
        var filter = new LedgerFilter();
        filter.AddAny("f.load_run_id", "runs", query.LoadRunIds);
        filter.AddAny("f.load_run_file_id", "ids", query.LoadRunFileIds);
        filter.AddStatus("f.status", query.Status);
        filter.AddAnyText("f.extract_type", "extract_types", query.ExtractTypes);
        filter.AddSince("coalesce(f.started_at, f.created_at)", query.Since);
        if (!query.IncludeSuperseded)
        {
            filter.Add("f.superseded_at IS NULL");
        }

        filter.Set("owner_died", RunCloser.OwnerDied);
        filter.Set("message_kept_back", MessageKeptBack);
        filter.SetFirst(query.First);
        return filter;
    }

    private static LedgerFilter Filter(RejectedRowQuery query)
    {
        var filter = new LedgerFilter();
        filter.AddAny("q.load_run_id", "runs", query.LoadRunIds);
        filter.AddAny("q.load_run_file_id", "files", query.LoadRunFileIds);
        filter.AddAnyText("q.extract_type", "extract_types", query.ExtractTypes);
        if (query.Stage is { } stage)
        {
            filter.Add("q.stage = @stage", "stage", stage.ToLowerInvariant());
        }

        if (!query.IncludeClosed)
        {
            filter.Add("state.status = 'open'");
        }

        filter.SetFirst(query.First);
        return filter;
    }

    private static void RequireLimits(RunQuery query)
    {
        if (query.StuckAfter < TimeSpan.Zero)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput, "StuckAfterInvalid", "The age at which a run counts as stuck is negative.", "StuckAfter", "Give a duration such as 2h.");
        }

        if (query.MaxErrorRate is not (>= 0 and <= 1))
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "MaxErrorRateInvalid",
                string.Create(CultureInfo.InvariantCulture, $"The limit of the error rate is {query.MaxErrorRate}; it is a share from 0 to 1."),
                "MaxErrorRate",
                "Give 0.05 for 5 %.");
        }
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        await SchemaGuard.RequireCurrentAsync(database, cancellationToken).ConfigureAwait(false);
        return await database.OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>All the names that the ledger may have for the types: an adopted one has those of the files.</summary>
    private async Task<IReadOnlyList<string>> LedgerNamesAsync(
        NpgsqlConnection connection, IReadOnlyList<string> extractTypes, CancellationToken cancellationToken)
    {
        var types = extractTypes.ToLookup(name => pipeline?.FindExtractType(name));
        var others = types[null].ToList();
        if (others.Count > 0)
        {
            var seen = await AskAsync(() => connection.QueryAsync<string>(new CommandDefinition(
                LedgerSql.AllExtractTypes, cancellationToken: cancellationToken))).ConfigureAwait(false);
            var known = seen.Concat(pipeline?.ExtractTypes.Select(type => type.Name) ?? []).Distinct(StringComparer.OrdinalIgnoreCase).ToList();

            // An empty ledger and no pipeline: nobody can tell.
            if (known.Count > 0 && others.Except(known, StringComparer.OrdinalIgnoreCase).FirstOrDefault() is { } unknown)
            {
                throw ExtractTypeUnknown.Error(pipeline is null ? "The ledger" : $"The pipeline '{pipeline.Name}'", unknown, known);
            }
        }

        return [.. others, .. types.SelectMany(group => group.Key is { } type ? type.Aliases.Prepend(type.Name) : [])];
    }

    private Task RequireRunsAsync(NpgsqlConnection connection, IReadOnlyList<Guid> ids, CancellationToken cancellationToken) =>
        AskAsync(() => LedgerIds.RequireRunsAsync(connection, ids, cancellationToken));

    private Task RequireFilesAsync(NpgsqlConnection connection, IReadOnlyList<int> ids, CancellationToken cancellationToken) =>
        AskAsync(() => LedgerIds.RequireFilesAsync(connection, ids, cancellationToken));

    private Task AskAsync(Func<Task> ask) => AskAsync(async () =>
    {
        await ask().ConfigureAwait(false);
        return true;
    });

    private async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }
    }
}
