using EtlTools.Benchmarks.Data;
using EtlTools.TestEnvironment;

namespace EtlTools.Benchmarks.Cases;

/// <summary>pgloader on a tenth of the CSV, once: it takes long enough.</summary>
internal sealed class PgLoader : IBenchmark
{
    private const string Meaning = "a tenth of the CSV into raw, against pgloader into a table of text columns, once";
    private const double Target = 10;

    public string Name => "raw_load_vs_pgloader";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        if (Workspace.MissingProgram("pgloader") is { } missing)
        {
            return [Result.Skipped(Name, Meaning, Result.Format(">= ", Target), $"{missing} is not installed")];
        }

        var source = workspace.CreateEvents(Dialects.Csv);
        var rows = workspace.Rows(200_000);
        Events.Write(source.NextPath(), Dialects.Csv, Events.ShuffledKeys(rows), version: 1);
        await using var database = await workspace.Server.CreateDatabaseAsync(source.Pipeline);
        await database.ExecuteAsync(
            $"CREATE TABLE public.rival ({string.Join(", ", Events.Columns.Select(column => column.Name + " text"))})");
        var script = workspace.NewPath("pgloader.load");
        var seconds = await Comparison.RunAsync(
            1,
            async () =>
            {
                source.Renew();
                await RawTables.EmptyAsync(database);
                return await database.TimeAsync(() => LoaderProcess.LoadAsync(source.PipelineFile, database));
            },
            async () =>
            {
                await database.ExecuteAsync("TRUNCATE rival");
                await File.WriteAllTextAsync(script, Script(source.Files()[0], database.Uri));
                return await database.TimeAsync(() => Rivals.RunAsync("pgloader", ["--quiet", script], database.Variables));
            });
        await database.RequireAsync(rows, "SELECT count(*) FROM rival");
        return [Result.Speed(Name, Meaning, Target, seconds)];
    }

    private static string Script(string file, string uri) => $"""
        LOAD CSV FROM '{file}' ({string.Join(", ", Events.Columns.Select(column => column.Name))})
        INTO {uri} TARGET TABLE public.rival ({string.Join(", ", Events.Columns.Select(column => column.Name))})
        WITH skip header = 1, fields optionally enclosed by '"', fields escaped by double-quote, fields terminated by ','
        SET client_encoding to 'utf8';
        """;
}
