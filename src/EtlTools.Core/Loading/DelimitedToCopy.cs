using EtlTools.Core.Parsing;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>How far a file has been streamed.</summary>
/// <param name="RowsRead">Rows seen, faulty ones included.</param>
/// <param name="RowsCopied">Rows handed to the COPY.</param>
/// <param name="RowsFaulted">Rows handed to the quarantine, or waiting to be.</param>
/// <param name="BytesRead">Bytes of the file decoded.</param>
/// <param name="IsStopped">True where the caller's check ended it before the end of the file.</param>
internal readonly record struct CopyCounts(
    long RowsRead, long RowsCopied, long RowsFaulted, long BytesRead, bool IsStopped);

/// <summary>
/// Streams a file's good rows into COPY and its faulty rows into the quarantine, on one connection: as both cannot be
/// under way at once, the COPY is ended when enough faulty rows have gathered, and another one is opened for the next
/// good row.
/// </summary>
internal sealed class DelimitedToCopy
{
    private const int MostFaultBytes = 4 * 1024 * 1024;

    // What a faulty row costs beside its content.
    private const int FaultOverheadBytes = 256;

    private readonly List<FaultyRow> _faults = [];
    private long _faultBytes;

    /// <summary>Faulty rows that were not stored because the load was stopped.</summary>
    public IReadOnlyList<FaultyRow> UnstoredFaults => _faults;

    /// <summary>Opens a binary COPY ... FROM STDIN. The stream is disposed to complete it.</summary>
    public required Func<CancellationToken, Task<Stream>> OpenCopy { get; init; }

    /// <summary>Stores faulty rows while no COPY is open.</summary>
    public required Func<IReadOnlyList<FaultyRow>, CancellationToken, Task> StoreFaults { get; init; }

    /// <summary>
    /// Called after every batch, also while an endless row is being skipped; true ends the load: the COPY is cancelled
    /// and faulty rows that have not been stored yet are stored no more.
    /// </summary>
    public Func<CopyCounts, bool> ShouldStop { get; init; } = _ => false;

    public int BufferBytes { get; init; } = BinaryCopyWriter.DefaultBufferBytes;

    /// <param name="reader">The file.</param>
    /// <param name="sourceFields">For each target column the field that feeds it, 0-based; -1: NULL.</param>
    /// <param name="loadRunFileId">Goes into every row, followed by the row's number.</param>
    /// <param name="cancellationToken">Cancels the COPY too.</param>
    public async Task<CopyCounts> RunAsync(
        DelimitedReader reader, IReadOnlyList<int> sourceFields, int loadRunFileId, CancellationToken cancellationToken)
    {
        using var writer = new BinaryCopyWriter(sourceFields, loadRunFileId, BufferBytes);
        Stream? copy = null;
        var counts = default(CopyCounts);
        try
        {
            while (await reader.ReadBatchAsync(cancellationToken).ConfigureAwait(false))
            {
                if (reader.Rows.Length > reader.FaultyRows.Count)
                {
                    if (copy is null)
                    {
                        copy = await OpenCopy(cancellationToken).ConfigureAwait(false);
                        writer.Begin(copy);
                    }

                    var written = await writer.WriteAsync(reader, cancellationToken).ConfigureAwait(false);
                    counts = counts with { RowsCopied = counts.RowsCopied + written };
                }

                Gather(reader.FaultyRows);
                counts = counts with
                {
                    RowsRead = reader.RowsRead,
                    RowsFaulted = counts.RowsFaulted + reader.FaultyRows.Count,
                    BytesRead = reader.BytesRead,
                };
                if (ShouldStop(counts))
                {
                    await AbandonAsync(writer, copy).ConfigureAwait(false);
                    return counts with { IsStopped = true };
                }

                if (_faultBytes > MostFaultBytes)
                {
                    await CompleteAsync().ConfigureAwait(false);
                }
            }

            await CompleteAsync().ConfigureAwait(false);
            return counts with { BytesRead = reader.BytesRead };
        }
        catch (NpgsqlException error) when (cancellationToken.IsCancellationRequested && error.InnerException is OperationCanceledException)
        {
            // Stopped in the middle of a write.
            await AbandonAsync(writer, copy).ConfigureAwait(false);
            throw new OperationCanceledException(error.Message, error, cancellationToken);
        }
        catch
        {
            await AbandonAsync(writer, copy).ConfigureAwait(false);
            throw;
        }

        async Task CompleteAsync()
        {
            if (copy is not null)
            {
                await writer.EndAsync(cancellationToken).ConfigureAwait(false);
                var completed = copy;
                copy = null;
                await completed.DisposeAsync().ConfigureAwait(false);
            }

            if (_faults.Count > 0)
            {
                await StoreFaults(_faults, cancellationToken).ConfigureAwait(false);
                _faults.Clear();
                _faultBytes = 0;
            }
        }
    }

    private void Gather(IReadOnlyList<FaultyRow> rows)
    {
        foreach (var row in rows)
        {
            _faults.Add(row);
            _faultBytes += row.Content.Length + FaultOverheadBytes;
        }
    }

    // To dispose of a COPY stream would complete it; what has been sent must be forgotten instead.
    private static async Task AbandonAsync(BinaryCopyWriter writer, Stream? copy)
    {
        await writer.AbandonAsync().ConfigureAwait(false);
        if (copy is not NpgsqlRawCopyStream raw)
        {
            return;
        }

        try
        {
            await raw.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is NpgsqlException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // The connection or the statement has failed already; the exception that brought us here says why.
        }
    }
}
