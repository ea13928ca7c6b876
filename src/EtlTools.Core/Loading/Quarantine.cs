using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace EtlTools.Core.Loading;

/// <summary>Puts rows that raw cannot take where an admin finds them.</summary>
internal static class Quarantine
{
    public static async Task StoreAsync(
        NpgsqlConnection connection, int file, IReadOnlyList<QuarantinedRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        var owner = await connection.QuerySingleAsync<(Guid Run, string ExtractType)>(new CommandDefinition(
            "SELECT load_run_id, extract_type FROM etl.load_run_files WHERE load_run_file_id = @file",
            new { file },
            cancellationToken: cancellationToken)).ConfigureAwait(false);
        await using var copy = await connection.BeginBinaryImportAsync(
            """
            COPY etl.rejected_rows (load_run_id, load_run_file_id, extract_type, stage, row_number, line_number, byte_offset, reasons, content)
            FROM STDIN (FORMAT BINARY)
            """,
            cancellationToken).ConfigureAwait(false);
        foreach (var row in rows)
        {
            await copy.StartRowAsync(cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(owner.Run, NpgsqlDbType.Uuid, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(file, NpgsqlDbType.Integer, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(owner.ExtractType, NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync("load", NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.RowNumber, NpgsqlDbType.Bigint, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.LineNumber, NpgsqlDbType.Bigint, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.ByteOffset, NpgsqlDbType.Bigint, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Reasons.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(row.Content, NpgsqlDbType.Bytea, cancellationToken).ConfigureAwait(false);
        }

        await copy.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }
}
