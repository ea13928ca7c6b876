using System.Text.RegularExpressions;
using EtlTools.Core.Configuration;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Host;

/// <summary>A database and a folder of Indici files, and the etl executable on them.</summary>
internal sealed class HostWorkshop : IAsyncDisposable
{
    private readonly string _folder;

    private HostWorkshop(PostgresDatabase database, string folder) => (Database, _folder) = (database, folder);

    public PostgresDatabase Database { get; }

    /// <summary>Where the vendor's files are.</summary>
    public string Extracts => Path.Combine(_folder, "extracts");

    public string PipelineFile => Path.Combine(_folder, "pipeline.yaml");

    public static async Task<HostWorkshop> OpenAsync(bool initialise = true)
    {
        var workshop = new HostWorkshop(await PostgresDatabase.CreateAsync(), TempFolder.Create());
        Directory.CreateDirectory(workshop.Extracts);
        await File.WriteAllTextAsync(workshop.PipelineFile, "extends: indici\nsource:\n  kind: folder\n  path: ./extracts\n");
        if (initialise)
        {
            var host = await workshop.RunAsync("init");
            Assert.Equal(0, host.ExitCode);
        }

        return workshop;
    }

    /// <summary>Runs etl on the database and pipeline to its end.</summary>
    public Task<HostProcess> RunAsync(params string[] arguments) => RunAsync(arguments, crashAt: null);

    /// <summary>Runs etl to the step where it kills itself.</summary>
    public Task<HostProcess> RunAsync(IEnumerable<string> arguments, string? crashAt) => HostProcess.RunAsync(
        All(arguments), new Dictionary<string, string?> { ["ETL_CRASH_AT"] = crashAt });

    public HostProcess Start(params string[] arguments) => HostProcess.Start(All(arguments));

    /// <summary>A Medicine file of keys 1 to <paramref name="rows"/>; the smallest of the types.</summary>
    public string WriteMedicine(int day, int rows, Action<VendorFile>? more = null)
    {
        var file = VendorFile.For(PipelineReader.Read(PipelineFile), "Medicine", new DateTime(2025, 8, day, 10, 44, 0));
        for (var key = 1; key <= rows; key++)
        {
            file.AddValidRow(key);
        }

        more?.Invoke(file);
        return file.WriteTo(Extracts);
    }

    /// <summary>The value of a name in the last line that has it; "" where none has.</summary>
    public static string Value(HostProcess host, string name) =>
        Regex.Matches(host.Output, $@"(?<=(^|\s){name}=)[^\s]*", RegexOptions.Multiline).LastOrDefault()?.Value ?? "";

    public async ValueTask DisposeAsync()
    {
        TempFolder.Delete(_folder);
        await Database.DisposeAsync();
    }

    private IEnumerable<string> All(IEnumerable<string> arguments) =>
        [.. arguments, "--connection", Database.ConnectionString, "--pipeline", PipelineFile];
}
