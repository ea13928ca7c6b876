using EtlTools.Benchmarks;
using EtlTools.Benchmarks.Cases;
using EtlTools.Core;
using Npgsql;

IReadOnlyList<IBenchmark> benchmarks =
[
    RawLoad.VersusCopy(),
    RawLoad.VersusCopyIntoSameTable(),
    RawLoad.ParallelVersusCopy(),
    VendorLoad.Narrow(),
    VendorLoad.Wide(),
    new PgLoader(),
    new Staging(),
    new ReprocessGrowth(),
    new PeakMemory(),
    new Health(),
    new Recovery(),
    new Audit(),
    new Tables(),
];

var options = Options.Parse(args);
var unknown = options?.Only.FirstOrDefault(name => benchmarks.All(benchmark => benchmark.Name != name));
if (options is null || unknown is not null)
{
    await Console.Error.WriteLineAsync(unknown is null ? Options.Usage : $"There is no benchmark {unknown}.");
    await Console.Error.WriteLineAsync("Names: " + string.Join(", ", benchmarks.Select(benchmark => benchmark.Name)));
    return 2;
}

await using var server = await BenchmarkServer.StartAsync(CancellationToken.None);
using var workspace = new Workspace(options, server);
var report = await Report.StartAsync(options, server);
foreach (var benchmark in benchmarks.Where(benchmark => options.Only.Count == 0 || options.Only.Contains(benchmark.Name)))
{
    try
    {
        report.Add(await benchmark.RunAsync(workspace));
    }
    catch (Exception error) when (error is InvalidOperationException or EtlException or NpgsqlException or IOException)
    {
        report.AddFailure(benchmark.Name, error.Message);
    }
}

if (options.Report)
{
    var page = Path.Combine("docs", "benchmarks.md");
    await File.WriteAllTextAsync(page, report.ToMarkdown(former: File.Exists(page) ? await File.ReadAllTextAsync(page) : ""));
}

return report.HasFailures ? 1 : 0;
