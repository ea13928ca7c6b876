using System.Globalization;
using System.Text.Json;
using EtlTools.Core.Configuration;
using EtlTools.TestEnvironment.Postgres;
using EtlTools.TestEnvironment.S3;
using Npgsql;

namespace EtlTools.TestEnvironment;

/// <summary>What the program does for scripts and for Pester tests, one verb a method. Results go to the standard output.</summary>
internal static class Commands
{
    public const string Usage = """
        get                                         install what the tests need and this machine lacks
        test [--filter TEXT] [--unit-only | --pester-only]
        run [--durable] -- COMMAND [ARGUMENTS]      run a command with servers of its own: PostgreSQL, S3, MariaDB
        show-servers                                prints the servers that the environment names, and waits for the input to end
        create-database                             prints the connection
        drop-database CONNECTION
        sql CONNECTION                              runs the SQL on the standard input, prints the rows as JSON
        create-bucket                               prints the bucket's name
        put BUCKET KEY FILE
        put-folder BUCKET PREFIX FOLDER             puts every file of the folder
        delete-bucket BUCKET
        demo [--without-powershell]                 run the demo on servers of its own
        vendor-file FOLDER PIPELINE TYPE ROWS [--first-key N] [--extracted yyyy-MM-ddTHH:mm] [--set COLUMN=VALUE]...
                                                    writes a sample file, prints its path
        """;

    public static async Task<int> GetAsync()
    {
        var postgres = GivenServers.Postgres is not null || await PostgresBinaries.FindOrGetAsync() is not null;
        var s3 = GivenServers.S3 is not null || await S3Program.FindOrGetAsync() is not null;
        await Promtool.FindOrGetAsync();
        await Browser.FindOrGetAsync();
        await MariaDb.MariaDbBinaries.FindOrGetAsync();
        return postgres && s3 ? 0 : 1;
    }

    public static async Task<int> RunAsync(bool durable, string[] command)
    {
        try
        {
            await using var servers = await TestServers.StartAsync(
                durable ? new Dictionary<string, string>() : PostgresCluster.FastSettings, withMariaDb: true);
            return await Command.RunVisiblyAsync(command[0], command[1..], servers.Variables);
        }
        finally
        {
            await Guard.CloseAsync();
        }
    }

    public static int ShowServers()
    {
        Console.WriteLine($"{GivenServers.PostgresVariable}={GivenServers.Postgres}");
        Console.WriteLine($"{GivenServers.S3Variable}={GivenServers.S3}");
        Console.WriteLine($"{GivenServers.MariaDbVariable}={GivenServers.MariaDbPort}");
        Console.In.ReadToEnd();
        return 0;
    }

    public static async Task<int> CreateDatabaseAsync()
    {
        var server = GivenServers.Postgres ?? throw new InvalidOperationException($"{GivenServers.PostgresVariable} is not set.");
        Console.WriteLine(await CreateDatabaseAsync(server, "etl_test_"));
        return 0;
    }

    /// <summary>Creates a database with a name of its own. Returns the connection to it.</summary>
    internal static async Task<string> CreateDatabaseAsync(string server, string namePrefix)
    {
        var name = namePrefix + Guid.NewGuid().ToString("n")[..16];
        await ExecuteAsync(server, $"CREATE DATABASE \"{name}\"");
        return new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
    }

    public static async Task<int> DropDatabaseAsync(string connection)
    {
        var server = new NpgsqlConnectionStringBuilder(connection);
        var name = server.Database!;
        server.Database = "postgres";
        await ExecuteAsync(server.ConnectionString, $"DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
        return 0;
    }

    public static async Task<int> RunSqlAsync(string connection, TextReader input)
    {
        await using var dataSource = NpgsqlDataSource.Create(connection);
        await using var command = dataSource.CreateCommand(await input.ReadToEndAsync());
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<Dictionary<string, object?>>();
        while (await reader.ReadAsync())
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(
                reader.GetName, field => reader.IsDBNull(field) ? null : reader.GetValue(field)));
        }

        Console.WriteLine(JsonSerializer.Serialize(rows));
        return 0;
    }

    public static async Task<int> CreateBucketAsync()
    {
        var bucket = await S3Bucket.CreateAsync();
        Console.WriteLine(bucket.Name);
        return 0;
    }

    public static async Task<int> PutAsync(string bucket, string key, string file)
    {
        await (await S3Bucket.OpenAsync(bucket)).PutAsync(key, await File.ReadAllBytesAsync(file));
        return 0;
    }

    public static async Task<int> PutFolderAsync(string name, string prefix, string folder)
    {
        var bucket = await S3Bucket.OpenAsync(name);
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            await bucket.PutAsync(prefix + Path.GetFileName(file), await File.ReadAllBytesAsync(file));
        }

        return 0;
    }

    public static async Task<int> DeleteBucketAsync(string bucket)
    {
        await (await S3Bucket.OpenAsync(bucket)).DisposeAsync();
        return 0;
    }

    public static int WriteVendorFile(string folder, string pipeline, string extractType, string rows, ReadOnlySpan<string> options)
    {
        var firstKey = 1L;
        DateTime? extracted = null;
        var values = new List<(string, string)>();
        for (; options.Length >= 2; options = options[2..])
        {
            var value = options[1];
            switch (options[0])
            {
                case "--first-key":
                    firstKey = long.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "--extracted":
                    extracted = DateTime.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "--set":
                    values.Add((value[..value.IndexOf('=')], value[(value.IndexOf('=') + 1)..]));
                    break;
                default:
                    throw new ArgumentException($"Unknown option {options[0]}.", nameof(options));
            }
        }

        var file = VendorFile.For(PipelineReader.Read(pipeline), extractType, extracted);
        for (var row = 0L; row < long.Parse(rows, CultureInfo.InvariantCulture); row++)
        {
            file.AddValidRow(firstKey + row, [.. values]);
        }

        Console.WriteLine(file.WriteTo(folder));
        return 0;
    }

    private static async Task ExecuteAsync(string connection, string sql)
    {
        await using var dataSource = NpgsqlDataSource.Create(connection);
        await using var command = dataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
