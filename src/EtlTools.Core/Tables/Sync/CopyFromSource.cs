using EtlTools.Core.Tables.Sources;
using Npgsql;

namespace EtlTools.Core.Tables.Sync;

/// <summary>Streams a SELECT of the source into COPY, byte by byte as it comes.</summary>
internal static class CopyFromSource
{
    /// <param name="lane">Both sessions.</param>
    /// <param name="copy">A COPY ... FROM STDIN.</param>
    /// <param name="select">Its columns in the order of the COPY.</param>
    /// <param name="table">For an error.</param>
    /// <param name="onRows">Told how many rows have come since it was told before.</param>
    /// <param name="cancellationToken">Ends both.</param>
    /// <exception cref="EtlException">The source's; nothing of the COPY is kept then.</exception>
    public static async Task<SourceStreamEnd> RunAsync(
        SyncLane lane, string copy, string select, string table, Action<long> onRows, CancellationToken cancellationToken)
    {
        var writer = (NpgsqlCopyTextWriter)await lane.Connection.BeginTextImportAsync(copy, cancellationToken).ConfigureAwait(false);
        try
        {
            var end = await lane.Source.StreamAsync(
                select,
                table,
                async (piece, token) =>
                {
                    await writer.BaseStream.WriteAsync(piece, token).ConfigureAwait(false);
                    onRows(piece.Span.Count((byte)'\n'));
                },
                cancellationToken).ConfigureAwait(false);
            RequireValues(end, table);
            await writer.DisposeAsync().ConfigureAwait(false);
            return end;
        }
        catch (Exception error) when (error is not PostgresException)
        {
            await CancelAsync(writer).ConfigureAwait(false);
            throw;
        }
    }

    private static void RequireValues(SourceStreamEnd end, string table)
    {
        if (end.Warnings.Contains(SourceStreamEnd.ResultTooLarge))
        {
            throw new EtlException(
                EtlErrorKind.Resource,
                "SourceValueTooLarge",
                $"A value of {table} is larger than half of the source's max_allowed_packet, and did not come whole.",
                table,
                "Raise max_allowed_packet of the source's server to more than twice the largest value.");
        }
    }

    private static async Task CancelAsync(NpgsqlCopyTextWriter writer)
    {
        try
        {
            await writer.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException or ObjectDisposedException or IOException)
        {
            // The session of the copy is in no better state; whoever asked hears of the first fault.
        }
    }
}
