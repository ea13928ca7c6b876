using Dapper;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;
using EtlTools.Core.Sources;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Reprocessing;

/// <summary>Reprocesses one file: in a transaction of its own, or inside that of a preview.</summary>
internal sealed class ReprocessWork : IAsyncDisposable
{
    private readonly EtlDatabase _database;
    private readonly PipelineConfig _pipeline;
    private readonly ReprocessOptions _options;
    private readonly ISourceStore? _source;
    private readonly FileNameConvention _names;
    private readonly ExtractTableReader _tables;
    private readonly FileStager _stager = new();
    private readonly SegmentCare _segments;
    private readonly FileLoader? _loader;

    public ReprocessWork(EtlDatabase database, PipelineConfig pipeline, ReprocessOptions options, SegmentLimits limits)
    {
        _database = database;
        _pipeline = pipeline;
        _options = options;
        _tables = new ExtractTableReader(pipeline);
        _names = new FileNameConvention(pipeline);
        _segments = new SegmentCare(database, _tables, limits);
        if (!options.SkipRaw)
        {
            _source = SourceStoreFactory.Create(pipeline.Source);
            _loader = new FileLoader(pipeline, _source, _tables, _stager);
        }
    }

    /// <summary>Seals what would otherwise be scanned for the keys that fall back.</summary>
    public Task PrepareLookBackAsync(IReadOnlyList<TargetFile> files, CancellationToken cancellationToken) =>
        _segments.PrepareLookBackAsync(files.Where(file => file.IsActive).Select(file => file.ExtractType), cancellationToken);

    public async Task<ReprocessReceipt> RunFileAsync(
        TargetFile target, Guid loadRunId, Action<long, double>? onProgress, CancellationToken cancellationToken)
    {
        try
        {
            return _options.SkipRaw
                ? await RestageAsync(target, loadRunId, cancellationToken).ConfigureAwait(false)
                : await ReloadAsync(target, loadRunId, onProgress, cancellationToken).ConfigureAwait(false);
        }
        catch (EtlException error)
        {
            return Failed(target, loadRunId, error, new FileCounts(0, 0, 0));
        }
    }

    /// <summary>The same work inside the caller's transaction; a file that fails leaves the others' work standing.</summary>
    public async Task<ReprocessReceipt> PreviewFileAsync(
        NpgsqlConnection connection, TargetFile target, Guid loadRunId, Action<long, double>? onProgress, CancellationToken cancellationToken)
    {
        await SavepointAsync("SAVEPOINT etl_file").ConfigureAwait(false);
        var badRows = new BadRowSample();
        try
        {
            return await PreviewAsync(connection, target, loadRunId, badRows, onProgress, cancellationToken).ConfigureAwait(false)
                with { LoadRunId = null, NewLoadRunFileId = null, Status = "Planned" };
        }
        catch (EtlException error)
        {
            await SavepointAsync("ROLLBACK TO SAVEPOINT etl_file").ConfigureAwait(false);
            return Failed(target, null, error, badRows.Counts);
        }
        catch (PostgresException error)
        {
            await SavepointAsync("ROLLBACK TO SAVEPOINT etl_file").ConfigureAwait(false);
            return Failed(target, null, DatabaseErrors.Translate(error, target.Key), badRows.Counts);
        }

        Task SavepointAsync(string sql) => connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancellationToken));
    }

    public ValueTask DisposeAsync()
    {
        _source?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<ReprocessReceipt> ReloadAsync(
        TargetFile target, Guid loadRunId, Action<long, double>? onProgress, CancellationToken cancellationToken)
    {
        var file = await FindSourceAsync(target, cancellationToken).ConfigureAwait(false);
        var transactions = new FileTransaction(_database, _pipeline.Name, _loader!);
        ReprocessReceipt? receipt = null;
        var outcome = await transactions.RunAsync(
            file,
            again: true,
            LoadOptions(loadRunId, file, onProgress),
            async (connection, claim, loaded) =>
            {
                receipt = await ReceiptStore.InsertAsync(
                    connection, "reprocess", Describe(target, file, loadRunId, claim, loaded), claim.Replaces, undoes: null, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return outcome.Error is { } error
            ? Failed(target, loadRunId, error, outcome.Seen) with { NewLoadRunFileId = outcome.Claim?.LoadRunFileId }
            : receipt!;
    }

    private async Task<ReprocessReceipt> RestageAsync(TargetFile target, Guid loadRunId, CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var receipt = await RestageAsync(connection, target, loadRunId, cancellationToken).ConfigureAwait(false);
            receipt = await ReceiptStore.InsertAsync(
                connection, "reprocess", receipt, [target.LoadRunFileId], undoes: null, cancellationToken).ConfigureAwait(false);
            CrashPoint.Pass("restage.before-commit");
            cancellationToken.ThrowIfCancellationRequested();
            await ReceiptCommit.CommitAsync(_database, transaction, receipt.ReceiptId!.Value).ConfigureAwait(false);
            return receipt;
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, target.Key);
        }
    }

    private async Task<ReprocessReceipt> RestageAsync(
        NpgsqlConnection connection, TargetFile target, Guid loadRunId, CancellationToken cancellationToken)
    {
        if (!target.IsActive || target.RawDeleted)
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "NoRawRows",
                "The file has no rows in raw to stage from.",
                target.Key,
                "Reprocess it without -SkipRaw, so that it is read from the source again.");
        }

        var table = await _tables.GetAsync(connection, target.ExtractType, cancellationToken).ConfigureAwait(false);
        await StagingMerger.LockAsync(connection, table, cancellationToken).ConfigureAwait(false);
        await RequireStillActiveAsync(connection, target, cancellationToken).ConfigureAwait(false);
        var file = new RawFile(target.LoadRunFileId, loadRunId, target.Segment ?? table.RawSql, target.ExtractedAt, target.RowCount);
        var change = await _stager.RecomputeAsync(connection, table, [file], [target.LoadRunFileId], cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(new CommandDefinition(
            StagingRunSql.Restaged, new { file = target.LoadRunFileId }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return Base(target, loadRunId) with
        {
            NewLoadRunFileId = target.LoadRunFileId,
            Status = "Completed",
            RowsRead = target.RowCount,
            RowsRejected = change.Rejected,
            Staging = change,
            SkipRaw = true,
        };
    }

    private async Task<ReprocessReceipt> PreviewAsync(
        NpgsqlConnection connection,
        TargetFile target,
        Guid loadRunId,
        BadRowSample badRows,
        Action<long, double>? onProgress,
        CancellationToken cancellationToken)
    {
        if (_options.SkipRaw)
        {
            return await RestageAsync(connection, target, loadRunId, cancellationToken).ConfigureAwait(false);
        }

        var file = await FindSourceAsync(target, cancellationToken).ConfigureAwait(false);
        var claim = (await FileLedger.ClaimAsync(
            connection, loadRunId, _pipeline.Name, file, again: true, cancellationToken).ConfigureAwait(false))!;
        var loaded = await _loader!.LoadAsync(
            connection, claim, file, LoadOptions(loadRunId, file, onProgress), badRows, cancellationToken).ConfigureAwait(false);
        return Describe(target, file, loadRunId, claim, loaded);
    }

    private async Task<SourceFile> FindSourceAsync(TargetFile target, CancellationToken cancellationToken)
    {
        var found = await _source!.FindAsync(target.Key, cancellationToken).ConfigureAwait(false);
        if (found is null || found.Container != target.Container)
        {
            throw new EtlException(
                EtlErrorKind.NotFound,
                "SourceFileMissing",
                $"The file is no longer in {_source.Description}.",
                target.Key,
                "Put it back, or use -SkipRaw to stage again from the raw rows that are there.");
        }

        return _names.TryRead(found, out var file, out var unrecognised)
            ? InPlaceOf(target, file)
            : throw new EtlException(
                EtlErrorKind.Configuration,
                unrecognised.ErrorId,
                unrecognised.Reason,
                target.Key,
                "Correct the file-name pattern or the extract types of the pipeline file.");
    }

    // A corrected file is as old as what it corrects: by the date of the correction it would overwrite what came later.
    private static SourceFile InPlaceOf(TargetFile target, SourceFile file) => file.IsDated
        ? file
        : file with { ExtractedAt = target.ExtractedAt, DateExtracted = SourceFile.DateText(target.ExtractedAt) };

    private FileLoadOptions LoadOptions(Guid loadRunId, SourceFile file, Action<long, double>? onProgress) => new()
    {
        OnProgress = onProgress is null ? null : (rows, bytes) => onProgress(rows, (double)bytes / Math.Max(file.Object.SizeBytes, 1)),
        LoadRunId = loadRunId,
        MaxErrorRate = _options.MaxErrorRate ?? _pipeline.MaxErrorRate,
        HardDelete = _options.HardDelete,
    };

    private static async Task RequireStillActiveAsync(NpgsqlConnection connection, TargetFile target, CancellationToken cancellationToken)
    {
        var entry = await connection.QuerySingleAsync<LockedFile>(new CommandDefinition(
            ReprocessSql.LockFiles, new { files = new[] { target.LoadRunFileId } }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        if (entry.IsSuperseded)
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "PlanStale",
                "Another run has replaced the file since it was chosen.",
                target.Key,
                "Choose the files anew and run the command again.");
        }
    }

    private ReprocessReceipt Describe(TargetFile target, SourceFile file, Guid loadRunId, FileClaim claim, LoadedFile loaded) =>
        Base(target, loadRunId).Completed(claim, loaded) with
        {
            HardDelete = _options.HardDelete,
            SourceChanged = file.FileHash != target.FileHash,
        };

    private ReprocessReceipt Base(TargetFile target, Guid? loadRunId) => new()
    {
        LoadRunId = loadRunId,
        ExtractType = target.ExtractType,
        Key = target.Key,
        OldLoadRunFileId = target.IsActive ? target.LoadRunFileId : null,
        Reason = _options.Reason,
    };

    /// <param name="target">The file.</param>
    /// <param name="loadRunId">The run.</param>
    /// <param name="error">Why.</param>
    /// <param name="seen">Its rows, as far as it was read.</param>
    private ReprocessReceipt Failed(TargetFile target, Guid? loadRunId, EtlException error, FileCounts seen) =>
        Base(target, loadRunId) with
        {
            Status = "Failed",
            RowsRead = seen.RowsRead,
            RowsRejected = seen.RowsRejected,
            ErrorCode = error.ErrorId,
            Error = error.Message,
            NextStep = error.NextStep,
        };
}
