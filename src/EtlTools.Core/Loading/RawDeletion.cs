using Dapper;
using EtlTools.Core.Staging;
using Npgsql;

namespace EtlTools.Core.Loading;

/// <summary>Takes the raw rows of superseded files away for good, with what the quarantine holds of them.</summary>
internal static class RawDeletion
{
    public static async Task DeleteAsync(
        NpgsqlConnection connection, ExtractTable table, IReadOnlyList<int> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return;
        }

        var parameters = new { files = files.ToArray() };
        foreach (var segment in await RawSegments.OfFilesAsync(connection, table, files, cancellationToken).ConfigureAwait(false))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                $"DELETE FROM ONLY {segment} WHERE {Lineage.FileId} = ANY(@files)",
                parameters,
                commandTimeout: 0,
                cancellationToken: cancellationToken)).ConfigureAwait(false);
        }

        await connection.ExecuteAsync(new CommandDefinition(
            LoadSql.ForgetFiles, parameters, cancellationToken: cancellationToken)).ConfigureAwait(false);
    }
}
