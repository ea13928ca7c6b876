using System.Runtime.CompilerServices;
using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>Rows as they arrive, never the whole result in memory.</summary>
internal static class RowStream
{
    /// <param name="connection">Busy with this statement until the enumeration ends.</param>
    /// <param name="sql">One SELECT.</param>
    /// <param name="parameters">Its values by name, typed by their CLR type.</param>
    /// <param name="map">Reads the row the reader stands on.</param>
    /// <param name="target">What is being read, for an error.</param>
    /// <param name="cancellationToken">Cancels the statement on the server.</param>
    /// <exception cref="EtlException">An error of the database, translated.</exception>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        NpgsqlConnection connection,
        string sql,
        IReadOnlyDictionary<string, object> parameters,
        Func<NpgsqlDataReader, T> map,
        string target,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"{ConnectionSql.PatientWithReader};\n{sql}", connection);
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        var reader = await ExecuteAsync(command, target, cancellationToken).ConfigureAwait(false);
        var atEnd = false;
        try
        {
            while (await MoveAsync(reader, target, cancellationToken).ConfigureAwait(false))
            {
                yield return map(reader);
            }

            atEnd = true;
        }
        finally
        {
            await EndAsync(command, reader, atEnd).ConfigureAwait(false);
        }
    }

    private static async Task<NpgsqlDataReader> ExecuteAsync(NpgsqlCommand command, string target, CancellationToken cancellationToken)
    {
        try
        {
            return await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, target);
        }
    }

    private static async Task<bool> MoveAsync(NpgsqlDataReader reader, string target, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, target);
        }
    }

    private static async Task EndAsync(NpgsqlCommand command, NpgsqlDataReader reader, bool atEnd)
    {
        if (!atEnd)
        {
            // Whoever stops early (Select-Object -First) must not wait for the rest: closing a reader reads it to its end.
            command.Cancel();
        }

        try
        {
            await reader.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (!atEnd && DatabaseErrors.IsDatabaseError(error))
        {
            // The answer to the cancellation; or the error that has been reported by the read already.
        }
    }
}
