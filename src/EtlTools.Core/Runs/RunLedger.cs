using EtlTools.Core.Database;

namespace EtlTools.Core.Runs;

/// <summary>Reads the ledger, and closes runs.</summary>
public sealed class RunLedger(EtlDatabase database)
{
    /// <summary>Newest first.</summary>
    public IAsyncEnumerable<LoadRun> GetRunsAsync(RunQuery query, CancellationToken cancellationToken) =>
        throw new NotImplementedException(database.Description);

    /// <summary>In the order they were begun.</summary>
    public IAsyncEnumerable<LoadFile> GetFilesAsync(FileQuery query, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    public IAsyncEnumerable<RejectedRow> GetRejectedRowsAsync(RejectedRowQuery query, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>
    /// Ends a run: asks a live one to stop and waits for it, closes a dead one (its files come back as failed files).
    /// </summary>
    /// <exception cref="EtlException">LoadRunNotFound, LoadRunNotRunning, LoadRunDoesNotStop.</exception>
    public Task<LoadRun> StopAsync(Guid loadRunId, string reason, TimeSpan wait, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}
