using EtlTools.Benchmarks.Data;
using EtlTools.Core.Configuration;

namespace EtlTools.Benchmarks.Cases;

/// <summary>
/// The rival of a load in the vendor's dialect: iconv to UTF-8, a stream editor that turns it into PostgreSQL's text
/// format (free text may hold line breaks, tabs and backslashes), and psql's \copy, all at once in a pipeline.
/// </summary>
internal sealed class VendorLoad : IBenchmark
{
    // mawk is the fastest of the usual editors here; each of them has to find separators of several characters.
    private const string Editor = """
        mawk 'BEGIN { RS = "[|]~~[|]"; ORS = "\n" }
              /[\\\t\n\r]/ { gsub(/\\/, "\\\\"); gsub(/\t/, "\\t"); gsub(/\n/, "\\n"); gsub(/\r/, "\\r") }
              { gsub(/[|]\^\^[|]/, "\t"); print }'
        """;

    private readonly string _meaning;
    private readonly int _fullRows;
    private readonly string _extractType;
    private readonly string _table;
    private readonly IReadOnlyList<ColumnConfig> _columns;
    private readonly Action<string, int> _write;

    private VendorLoad(
        string name, string meaning, int rows, string extractType, string table, IReadOnlyList<ColumnConfig> columns, Action<string, int> write) =>
        (Name, _meaning, _fullRows, _extractType, _table, _columns, _write) = (name, meaning, rows, extractType, table, columns, write);

    public string Name { get; }

    public static VendorLoad Narrow() => new(
        "vendor_load_vs_iconv_copy",
        "2,000,000 rows of 12 columns in the vendor's dialect, against iconv | mawk | psql \\copy",
        2_000_000,
        Events.ExtractType,
        Events.Table,
        Events.Columns,
        (path, rows) => Events.Write(path, Dialects.Vendor, Events.ShuffledKeys(rows), version: 1));

    public static VendorLoad Wide() => new(
        "wide_load_vs_iconv_copy",
        "20,000 rows of 220 columns in the vendor's dialect, against iconv | mawk | psql \\copy",
        20_000,
        Patients.ExtractType,
        Patients.Table,
        Patients.Columns,
        (path, rows) => Patients.Write(path, Dialects.Vendor, rows));

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        if (Workspace.MissingProgram("bash", "iconv", "mawk") is { } missing)
        {
            return [Result.Skipped(Name, _meaning, ">= 2", $"{missing} is not installed")];
        }

        var rows = workspace.Rows(_fullRows);
        var source = workspace.CreateSource(_extractType, _table, _columns, Dialects.Vendor);
        _write(source.NextPath(), rows);

        await using var database = await workspace.Server.CreateDatabaseAsync(source.Pipeline);
        await database.ExecuteAsync($"CREATE TABLE rival ({string.Join(", ", _columns.Select(column => column.Name + " text"))})");
        var seconds = await Comparison.RunAsync(
            workspace.Runs,
            async () =>
            {
                source.Renew();
                await RawTables.EmptyAsync(database);
                return await database.TimeAsync(() => LoaderProcess.LoadAsync(source.PipelineFile, database));
            },
            async () =>
            {
                await database.ExecuteAsync("TRUNCATE rival");
                var copy = $"\"$PSQL\" -X -q -v ON_ERROR_STOP=1 -c \"\\copy rival from pstdin with (format text, null '')\"";
                return await database.TimeAsync(() => Rivals.RunShellAsync(
                    $"iconv -f UTF-16LE -t UTF-8 '{source.Files()[0]}' | {Editor} | {copy}", database.Variables));
            });
        await RequireSameRowsAsync(database, source, rows);
        return [Result.Speed(Name, _meaning, 2, seconds)];
    }

    // A rival that is fast and wrong is no rival.
    private async Task RequireSameRowsAsync(BenchmarkDatabase database, SourceFolder source, int rows)
    {
        var columns = string.Join(", ", _columns.Select(column => column.Name));
        await database.RequireAsync(rows, "SELECT count(*) FROM rival");
        await database.RequireAsync(rows, $"""
            SELECT count(*) FROM (
                SELECT {columns} FROM rival
                INTERSECT ALL
                SELECT {columns} FROM {source.Pipeline.RawSchema}.{_table}
                WHERE load_run_file_id = (SELECT max(load_run_file_id) FROM etl.load_run_files)) same
            """);
    }
}
