using EtlTools.Core.Database;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>Closes full segments and seals closed ones, beside a run. It makes look-backs fast and is never needed for right results.</summary>
internal static class SegmentCare
{
    /// <summary>Closes the full segments of these types: nothing is appended to them from now on.</summary>
    public static async Task CloseAsync(
        EtlDatabase database, ExtractTableReader tables, IEnumerable<string> extractTypes, CancellationToken cancellationToken)
    {
        foreach (var extractType in extractTypes.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            await TryAsync(
                database,
                tables,
                extractType,
                (connection, table) => RawSegments.CloseAsync(connection, table, RawSegments.FullBytes, cancellationToken),
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Seals what is closed.</summary>
    public static async Task SealAsync(
        EtlDatabase database, ExtractTableReader tables, IEnumerable<string> extractTypes, CancellationToken cancellationToken)
    {
        foreach (var extractType in extractTypes.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            await TryAsync(
                database,
                tables,
                extractType,
                (connection, table) => RawSegments.SealAsync(connection, table, cancellationToken),
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Closes and seals, before a look-back.</summary>
    /// <param name="database">The database.</param>
    /// <param name="tables">The catalogue.</param>
    /// <param name="extractType">Whose segments.</param>
    /// <param name="limit">Bytes above which the open segment is closed.</param>
    /// <param name="cancellationToken">Stops it between statements.</param>
    public static Task CloseAndSealAsync(
        EtlDatabase database, ExtractTableReader tables, string extractType, long limit, CancellationToken cancellationToken) =>
        TryAsync(
            database,
            tables,
            extractType,
            async (connection, table) =>
            {
                await RawSegments.CloseAsync(connection, table, limit, cancellationToken).ConfigureAwait(false);
                await RawSegments.SealAsync(connection, table, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);

    private static async Task TryAsync(
        EtlDatabase database,
        ExtractTableReader tables,
        string extractType,
        Func<NpgsqlConnection, ExtractTable, Task> work,
        CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
            var table = await tables.GetAsync(connection, extractType, cancellationToken).ConfigureAwait(false);
            await work(connection, table).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is NpgsqlException or EtlException)
        {
            // The next run tries again. What is wrong with the table or the database is told by the load itself.
        }
    }
}
