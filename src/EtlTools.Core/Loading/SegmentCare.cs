using EtlTools.Core.Database;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>Closes full segments and seals closed ones, beside a run. It makes look-backs fast and is never needed for right results.</summary>
internal sealed class SegmentCare(EtlDatabase database, ExtractTableReader tables, SegmentLimits limits)
{
    /// <summary>Closes the full segments of these types: nothing is appended to them from now on.</summary>
    public async Task CloseFullAsync(IEnumerable<string> extractTypes, CancellationToken cancellationToken)
    {
        foreach (var extractType in extractTypes.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            await TryAsync(
                extractType,
                (connection, table) => RawSegments.CloseFullAsync(connection, table, limits, cancellationToken),
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Seals what is closed.</summary>
    public async Task SealAsync(IEnumerable<string> extractTypes, CancellationToken cancellationToken)
    {
        foreach (var extractType in extractTypes.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            await TryAsync(
                extractType,
                (connection, table) => RawSegments.SealAsync(connection, table, cancellationToken),
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Seals what would otherwise be scanned for the keys that fall back.</summary>
    public async Task PrepareLookBackAsync(IEnumerable<string> extractTypes, CancellationToken cancellationToken)
    {
        foreach (var extractType in extractTypes.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            await TryAsync(
                extractType,
                async (connection, table) =>
                {
                    await RawSegments.CloseForLookBackAsync(connection, table, limits, cancellationToken).ConfigureAwait(false);
                    await RawSegments.SealAsync(connection, table, cancellationToken).ConfigureAwait(false);
                },
                cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task TryAsync(
        string extractType, Func<NpgsqlConnection, ExtractTable, Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
            var table = await tables.GetAsync(connection, extractType, cancellationToken).ConfigureAwait(false);
            await work(connection, table).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is EtlException || DatabaseErrors.IsDatabaseError(fault))
        {
            // The next run tries again. What is wrong with the table or the database is told by the load itself.
        }
    }
}
