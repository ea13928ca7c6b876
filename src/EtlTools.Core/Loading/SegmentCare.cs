using EtlTools.Core.Database;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>Closes full segments and seals closed ones, beside a run. It makes look-backs fast and is never needed for right results.</summary>
internal static class SegmentCare
{
    public static async Task SealAsync(
        EtlDatabase database, ExtractTableReader tables, IEnumerable<string> extractTypes, CancellationToken cancellationToken)
    {
        foreach (var extractType in extractTypes.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            await SealAsync(database, tables, extractType, RawSegments.FullBytes, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <param name="database">The database.</param>
    /// <param name="tables">The catalogue.</param>
    /// <param name="extractType">Whose segments.</param>
    /// <param name="limit">Bytes above which the open segment is closed.</param>
    /// <param name="cancellationToken">Stops it between statements.</param>
    public static async Task SealAsync(
        EtlDatabase database, ExtractTableReader tables, string extractType, long limit, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
            var table = await tables.GetAsync(connection, extractType, cancellationToken).ConfigureAwait(false);
            await RawSegments.CloseAsync(connection, table, limit, cancellationToken).ConfigureAwait(false);
            await RawSegments.SealAsync(connection, table, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is NpgsqlException or EtlException)
        {
            // The next run tries again. What is wrong with the table or the database is told by the load itself.
        }
    }
}
