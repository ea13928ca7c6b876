using System.Globalization;
using System.Runtime.InteropServices;

namespace EtlTools.Benchmarks;

/// <summary>Tells the results: as name=value lines while they come, and as docs/benchmarks.md.</summary>
internal sealed class Report
{
    private const string RowStart = "| `";

    // The others are the same for all rows of the page.
    private static readonly string[] OfOneRun = ["date", "runs", "quick"];

    private readonly List<Result> _results = [];
    private readonly IReadOnlyList<(string Name, string Value)> _circumstances;

    private Report(IReadOnlyList<(string Name, string Value)> circumstances) => _circumstances = circumstances;

    public bool HasFailures { get; private set; }

    public static async Task<Report> StartAsync(Options options, BenchmarkServer server)
    {
        var report = new Report(
        [
            ("date", DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC"),
            ("machine", $"{Environment.ProcessorCount} x {ProcessorName()}, {MemoryGigabytes()} GB, {RuntimeInformation.OSDescription}"),
            ("dotnet", Environment.Version.ToString()),
            ("postgresql", await server.GetVersionAsync()),
            ("settings", server.IsPrivate
                ? string.Join(", ", BenchmarkServer.Settings.Select(setting => $"{setting.Key} {setting.Value}"))
                : "those of the given server"),
            ("runs", options.Runs.ToString(CultureInfo.InvariantCulture)),
            ("quick", options.Quick ? "yes" : "no"),
        ]);
        foreach (var (name, value) in report._circumstances)
        {
            Console.WriteLine($"{name}={value}");
        }

        return report;
    }

    public void Add(IEnumerable<Result> results)
    {
        foreach (var result in results)
        {
            _results.Add(result);
            Console.WriteLine($"{result.Name}={Value(result)}");
            Console.WriteLine($"{result.Name}.target={result.Target}");
            foreach (var (name, detail) in result.Details)
            {
                Console.WriteLine($"{result.Name}.{name}={detail}");
            }
        }
    }

    public void AddFailure(string name, string why)
    {
        HasFailures = true;
        Console.WriteLine($"{name}=failed");
        Console.WriteLine($"{name}.error={why.ReplaceLineEndings(" ")}");
    }

    /// <param name="former">The page as it was: what it says of other benchmarks stays, where it was measured under the same circumstances.</param>
    public string ToMarkdown(string former)
    {
        var circumstances = string.Concat(_circumstances.Where(line => !OfOneRun.Contains(line.Name)).Select(line => $"- {line.Name}: {line.Value}\n"));
        var rows = _results.Select(Row).ToList();
        if (former.Contains(circumstances, StringComparison.Ordinal))
        {
            rows.AddRange(former.Split('\n').Where(line => line.StartsWith(RowStart, StringComparison.Ordinal) && !rows.Any(row => NameOf(row) == NameOf(line))));
        }

        return $"""
            {Introduction}
            {circumstances}
            | benchmark | what it says | measured | to reach | seconds and the like | when |
            |---|---|---|---|---|---|
            {string.Join('\n', rows)}

            """;
    }

    private string Row(Result result)
    {
        var details = string.Join("; ", result.Details
            .Where(detail => !detail.Name.EndsWith("_all", StringComparison.Ordinal))
            .Select(detail => $"{detail.Name.Replace('_', ' ')} {detail.Value}"));
        var when = string.Join(", ", _circumstances.Where(line => OfOneRun.Contains(line.Name) && line is not ("quick", "no")).Select(line => $"{line.Name} {line.Value}"));
        return $"{RowStart}{result.Name}` | {result.Meaning.Replace("|", "\\|", StringComparison.Ordinal)} | {(result.IsReached ? "" : "**missed** ")}{Value(result)} | {result.Target} | {details} | {when} |";
    }

    private static string NameOf(string row) => row[RowStart.Length..row.IndexOf('`', RowStart.Length)];

    private static string Value(Result result) => result.Value is { } value ? Result.Format("", value) : "skipped";

    private const string Introduction = """
        # Benchmarks

        `scripts/benchmark.sh --report` measured these and wrote this page; `--only NAME` runs one, `--quick` a small version of all.

        ## How it is measured

        - A private PostgreSQL with ordinary, durable settings (fsync, full_page_writes and synchronous_commit on), the same
          for both sides. All tables are logged. Everything goes through TCP on the loopback address.
        - Medians, ours and the rival in turns in one run, a CHECKPOINT before each timed part; one round before that does
          not count.
        - Loads are timed as whole processes. Ours is `etl load --skip-staging`: start of the program, listing of the folder,
          ledger, COPY with file id and row number, commit. The rival is `psql -c "\copy ..."`, or a pipeline of the shell
          that ends in it.
        - A raw table of ours has no index while it is being loaded; the indexes of a full segment are built in bulk, beside
          the next run. So each timed load builds the indexes of a segment of the same size, which the load before it filled.
        - The files are made by the program, the same on every machine: 2,000,000 rows of 12 columns, natural keys in random
          order (RFC 4180 and the vendor's dialect), and 20,000 rows of 220 columns.
        - The rivals' results are compared with ours, row by row: a rival that is fast and wrong is none.

        ## The rivals

        - `\copy`: `format csv, header` into a table of 12 text columns without any index. In `same_table` the table has a file
          id (a constant), a row number (an identity), an index on the key and a BRIN index on the file id.
        - `iconv -f UTF-16LE -t UTF-8 | mawk | psql \copy`, all with LC_ALL=C. mawk turns `|^^|` and `|~~|` into PostgreSQL's
          text format, with line breaks, tabs and backslashes of the data escaped; it was the fastest of mawk, gawk, sed and
          perl here.
        - pgloader: `LOAD CSV` into a table of text columns.
        - Staging by hand: one INSERT ... SELECT that checks, casts and upserts, with calendar days checked so that no cast can
          fail, and one that keeps the rejected rows with their reasons; in one transaction.

        ## Results

        """;

    private static string ProcessorName()
    {
        const string Info = "/proc/cpuinfo";
        var line = File.Exists(Info) ? File.ReadLines(Info).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    private static long MemoryGigabytes() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30;
}
