using System.Text;
using Dapper;
using EtlTools.Core.Configuration;
using Npgsql;

namespace EtlTools.Tests.Infrastructure;

/// <summary>The servers that the other tests stand on do what those tests take for granted.</summary>
public sealed class ServerTests
{
    [PostgresFact]
    public async Task A_database_is_its_own_and_is_dropped()
    {
        string name;
        await using (var first = await PostgresDatabase.CreateAsync())
        await using (var second = await PostgresDatabase.CreateAsync())
        {
            name = first.Name;
            await first.ExecuteAsync("CREATE TABLE here (id int)");
            Assert.NotNull(await first.ScalarAsync<string>("SELECT to_regclass('here')::text"));
            Assert.Null(await second.ScalarAsync<string>("SELECT to_regclass('here')::text"));
        }

        await using var connection = new NpgsqlConnection(await PostgresServer.ConnectionStringAsync());
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM pg_database WHERE datname = @name", new { name }));
    }

    [PostgresFact]
    public async Task A_database_can_come_with_the_schema_and_a_pipelines_tables()
    {
        await using var database = await PostgresDatabase.CreateWithPipelineAsync(PipelineReader.Read("indici"));

        Assert.NotNull(await database.ScalarAsync<string>("SELECT to_regclass('etl.load_runs')::text"));
        Assert.Equal(18, await database.ScalarAsync<int>("SELECT count(*) FROM pg_tables WHERE schemaname = 'stg'"));
    }

    [PrivatePostgresFact]
    public async Task A_private_cluster_keeps_its_commits_when_it_is_killed()
    {
        await using var cluster = await PostgresServer.StartPrivateAsync();
        await using var database = await PostgresDatabase.CreateAsync(cluster.ConnectionString);
        await database.ExecuteAsync("CREATE TABLE kept AS SELECT generate_series(1, 100) AS id");

        await using var open = await database.OpenAsync();
        cluster.Kill();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => open.ExecuteAsync("SELECT 1"));
        await cluster.RestartAsync();

        NpgsqlConnection.ClearPool(open);
        Assert.Equal(100, await database.ScalarAsync<int>("SELECT count(*) FROM kept"));
    }

    [SmallDiskFact]
    public async Task A_small_disk_is_soon_full()
    {
        await using var cluster = await PostgresServer.StartPrivateAsync();
        await cluster.CreateSmallTablespaceAsync("small_disk");
        await using var database = await PostgresDatabase.CreateAsync(cluster.ConnectionString);
        await database.ExecuteAsync("CREATE TABLE filling (text text) TABLESPACE small_disk");

        var failure = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(
            "INSERT INTO filling SELECT repeat('x', 1000) FROM generate_series(1, 20000)"));

        Assert.Equal(PostgresErrorCodes.DiskFull, failure.SqlState);
    }

    [S3Fact]
    public async Task A_bucket_keeps_bytes_and_names_as_they_are()
    {
        await using var bucket = await S3Bucket.CreateAsync();
        var content = Encoding.Unicode.GetBytes("a|^^|b|~~|");
        const string Key = "C:/Jobs/indici_export/working/685146_535_Allergies.csv";

        var etag = await bucket.PutAsync(Key, content);

        var listed = Assert.Single((await bucket.Client.ListObjectsV2Async(new() { BucketName = bucket.Name })).S3Objects);
        Assert.Equal((Key, content.Length, etag), (listed.Key, (int)listed.Size!, listed.ETag));
        using var response = await bucket.Client.GetObjectAsync(bucket.Name, Key);
        using var read = new MemoryStream();
        await response.ResponseStream.CopyToAsync(read);
        Assert.Equal(content, read.ToArray());
    }
}
