using EtlTools.Core;
using EtlTools.Core.Database;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Database;

public sealed class SchemaGuardTests
{
    [PostgresFact]
    public async Task A_database_without_the_schema_is_refused_with_the_next_step_until_it_has_it()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        await using var etl = database.OpenEtl();

        var error = await Assert.ThrowsAsync<EtlException>(() => SchemaGuard.RequireCurrentAsync(etl, CancellationToken.None));
        Assert.Equal((EtlErrorKind.Schema, "SchemaMissing"), (error.Kind, error.ErrorId));
        Assert.Contains("Initialize-EtlDatabase", error.NextStep, StringComparison.Ordinal);

        await new SchemaManager(etl).ApplyAsync(pipeline: null, progress: null, CancellationToken.None);
        await SchemaGuard.RequireCurrentAsync(etl, CancellationToken.None);
    }

    [PostgresTheory]
    [InlineData("DELETE FROM etl.schema_migrations", "SchemaMissing")]
    [InlineData("DELETE FROM etl.schema_migrations WHERE version > 1", "SchemaOutdated")]
    [InlineData("UPDATE etl.schema_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM etl.schema_migrations)", "SchemaNewer")]
    public async Task A_schema_of_another_version_is_refused(string change, string errorId)
    {
        await using var database = await PostgresDatabase.CreateWithSchemaAsync();
        await database.ExecuteAsync(change);
        await using var etl = database.OpenEtl();

        var error = await Assert.ThrowsAsync<EtlException>(async () =>
            await new RunLedger(etl).GetRunsAsync(new RunQuery(), CancellationToken.None).ToListAsync());

        Assert.Equal((EtlErrorKind.Schema, errorId), (error.Kind, error.ErrorId));
    }
}
