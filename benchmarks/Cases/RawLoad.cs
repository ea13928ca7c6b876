using EtlTools.Benchmarks.Data;

namespace EtlTools.Benchmarks.Cases;

/// <summary>
/// The rival of a raw load of CSV: psql's \copy. Ours writes lineage, ledger and row numbers too. Where the rival keeps
/// indexes up, ours builds its own of all rows loaded within the time; else their time stands beside, as it is paid by the
/// next run that stages.
/// </summary>
internal sealed class RawLoad : IBenchmark
{
    private const int RowCount = 2_000_000;

    private readonly string _meaning;
    private readonly double _target;
    private readonly int _files;
    private readonly string _rivalTable;
    private readonly bool _withIndexes;

    private RawLoad(string name, string meaning, double target, int files, string rivalTable, bool withIndexes = false) =>
        (Name, _meaning, _target, _files, _rivalTable, _withIndexes) = (name, meaning, target, files, rivalTable, withIndexes);

    public string Name { get; }

    public static RawLoad VersusCopy() => new(
        "raw_load_vs_copy", "CSV into raw, against psql \\copy into a table of text columns", 1.0, 1, PlainTable());

    public static RawLoad VersusCopyIntoSameTable() => new(
        "raw_load_vs_copy_same_table",
        "CSV into raw with its indexes built, against psql \\copy into a table with the same columns and indexes",
        1.3,
        1,
        SameTable(),
        withIndexes: true);

    public static RawLoad ParallelVersusCopy() => new(
        "raw_load_parallel_vs_copy",
        "the same rows in two files on two connections, against psql \\copy of the one file",
        1.5,
        2,
        PlainTable());

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        var source = workspace.CreateEvents(Dialects.Csv);
        var keys = Events.ShuffledKeys(workspace.Rows(RowCount));
        var whole = workspace.NewPath("events.csv");
        Events.Write(whole, Dialects.Csv, keys, version: 1);
        WriteParts(source, keys);

        await using var database = await workspace.Server.CreateDatabaseAsync(source.Pipeline);
        await database.ExecuteAsync(_rivalTable);
        var columns = string.Join(", ", Events.Columns.Select(column => column.Name));
        var sealing = new List<double>();
        var seconds = await Comparison.RunAsync(
            workspace.Runs,
            async () =>
            {
                source.Renew();
                await RawTables.EmptyAsync(database);
                var loading = await database.TimeAsync(() => LoaderProcess.LoadAsync(source.PipelineFile, database));
                sealing.Add(await database.TimeAsync(() => RawTables.SealAsync(database, source.Pipeline, Events.ExtractType)));
                return _withIndexes ? loading + sealing[^1] : loading;
            },
            async () =>
            {
                await database.ExecuteAsync("TRUNCATE rival");
                return await database.TimePsqlCopyAsync($"rival ({columns})", whole, "format csv, header");
            });
        await database.RequireAsync(keys.Length, "SELECT count(*) FROM rival");
        await database.RequireAsync(0, "SELECT count(*) FROM etl.load_run_files WHERE status <> 'completed' OR rows_rejected > 0");
        await database.RequireAsync(keys.Length, $"""
            SELECT count(*) FROM {source.Pipeline.RawSchema}.{Events.Table} WHERE load_run_file_id IN (
                SELECT load_run_file_id FROM etl.load_run_files ORDER BY load_run_file_id DESC LIMIT {_files})
            """);
        var speed = Result.Speed(Name, _meaning, _target, seconds);
        return [speed with { Details = [.. speed.Details, ("sealing_seconds", Result.Format("", new Sample(sealing).Median))] }];
    }

    private void WriteParts(SourceFolder source, ReadOnlySpan<int> keys)
    {
        for (var part = 0; part < _files; part++)
        {
            var (from, to) = (keys.Length * part / _files, keys.Length * (part + 1) / _files);
            Events.Write(source.NextPath(), Dialects.Csv, keys[from..to], version: 1);
        }
    }

    private static string PlainTable() =>
        $"CREATE TABLE rival ({string.Join(", ", Events.Columns.Select(column => column.Name + " text"))})";

    private static string SameTable() => $"""
        CREATE TABLE rival (
            {string.Join(", ", Events.Columns.Select(column => column.Name + " text"))},
            load_run_file_id integer NOT NULL DEFAULT 1,
            load_row_number bigint GENERATED ALWAYS AS IDENTITY);
        CREATE INDEX ON rival (event_id);
        CREATE INDEX ON rival USING brin (load_run_file_id)
        """;
}
