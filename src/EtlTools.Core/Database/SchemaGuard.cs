using System.Runtime.CompilerServices;
using Dapper;
using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>Turns away a database whose etl schema this EtlTools cannot work on, before anything is read or written.</summary>
internal static class SchemaGuard
{
    // A database that was found current stays so while it is open: migrations only go forward, and are never taken back.
    private static readonly ConditionalWeakTable<EtlDatabase, object> Current = [];

    /// <summary>Asks the database once; later calls cost nothing.</summary>
    /// <exception cref="EtlException">SchemaMissing, SchemaOutdated, SchemaNewer.</exception>
    public static async Task RequireCurrentAsync(EtlDatabase database, CancellationToken cancellationToken)
    {
        if (Current.TryGetValue(database, out _))
        {
            return;
        }

        await using var connection = await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Require(await ReadVersionAsync(connection, cancellationToken).ConfigureAwait(false), database.Description);
        }
        catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
        {
            throw DatabaseErrors.Translate(error, database.Description);
        }

        Current.TryAdd(database, database);
    }

    private static async Task<int> ReadVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var hasMigrations = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            SchemaSql.HasMigrations, cancellationToken: cancellationToken)).ConfigureAwait(false);
        return hasMigrations
            ? await connection.ExecuteScalarAsync<int>(new CommandDefinition(
                ConnectionSql.SchemaVersion, cancellationToken: cancellationToken)).ConfigureAwait(false)
            : 0;
    }

    private static void Require(int version, string database)
    {
        if (version == 0)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "SchemaMissing",
                "The database has not been initialised for EtlTools.",
                database,
                "Check that it is the right database, then run Initialize-EtlDatabase: without a pipeline it makes the ledger (schema etl) and nothing else, with one its tables too; it takes over a ledger that is there. -WhatIf shows what it would do.");
        }

        if (version < MigrationCatalog.LatestVersion)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "SchemaOutdated",
                $"The database is at migration {version}; this EtlTools needs {MigrationCatalog.LatestVersion}.",
                database,
                "Run Initialize-EtlDatabase to upgrade it (-WhatIf shows what it would do).");
        }

        if (version > MigrationCatalog.LatestVersion)
        {
            throw new EtlException(
                EtlErrorKind.Schema,
                "SchemaNewer",
                $"The database is at migration {version}; this EtlTools knows {MigrationCatalog.LatestVersion}.",
                database,
                "Update the EtlTools module.");
        }
    }
}
