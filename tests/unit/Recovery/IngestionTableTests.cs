using EtlTools.Core;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Recovery;

public sealed class IngestionTableTests
{
    private const string Columns = "id uuid, user_id uuid, raw_payload jsonb, created_at timestamptz";

    [PostgresFact]
    public async Task It_is_found_as_the_deployment_has_it()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        Assert.Null(await FindAsync(database));

        await database.ExecuteAsync($"""
            CREATE TYPE job_status AS ENUM ('pending', 'processing', 'completed', 'failed');
            CREATE SCHEMA health;
            CREATE TABLE health.raw_ingestions ({Columns}, processing_status job_status) PARTITION BY RANGE (created_at);
            CREATE SCHEMA other;
            CREATE TABLE other.raw_ingestions (id uuid)
            """);
        var table = await FindAsync(database);
        Assert.Equal("health.raw_ingestions", table!.Name);
        Assert.True(table.IsPartitioned);
        Assert.Equal(["pending", "processing", "completed", "failed"], table.StatusLabels);
        Assert.Equal("NULL::jsonb", table.ErrorsSql("r"));
    }

    [PostgresFact]
    public async Task Two_of_them_have_to_be_told_apart_by_their_schema()
    {
        await using var database = await PostgresDatabase.CreateAsync();
        await database.ExecuteAsync($"""
            CREATE SCHEMA a; CREATE TABLE a.raw_ingestions ({Columns}, processing_status varchar(50));
            CREATE SCHEMA b; CREATE TABLE b.raw_ingestions ({Columns}, processing_errors json)
            """);
        var error = await Assert.ThrowsAsync<EtlException>(() => FindAsync(database));
        Assert.Equal("IngestionTableAmbiguous", error.ErrorId);
        Assert.Equal("r.processing_errors::jsonb", (await FindAsync(database, "b"))!.ErrorsSql("r"));
        Assert.Null((await FindAsync(database, "a"))!.StatusLabels);

        // What is on the search path is meant where nobody says otherwise.
        await database.ExecuteAsync($"CREATE TABLE raw_ingestions ({Columns})");
        Assert.Equal("public.raw_ingestions", (await FindAsync(database))!.Name);
    }

    private static async Task<IngestionTable?> FindAsync(PostgresDatabase database, string? schema = null)
    {
        await using var connection = await database.OpenAsync();
        return await IngestionTableReader.FindAsync(connection, schema, CancellationToken.None);
    }
}
