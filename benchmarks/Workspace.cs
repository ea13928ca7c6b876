using EtlTools.Benchmarks.Data;
using EtlTools.Core.Configuration;
using EtlTools.TestEnvironment;

namespace EtlTools.Benchmarks;

/// <summary>Where the benchmarks keep their files, and the sizes they work at.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly string _folder = TempFolder.Create();
    private int _names;

    public Workspace(Options options, BenchmarkServer server) => (Options, Server) = (options, server);

    public Options Options { get; }
    public BenchmarkServer Server { get; }
    public int Runs => Options.Runs;

    /// <summary>A size; a hundredth of it with --quick.</summary>
    public int Rows(int full) => Options.Quick ? Math.Max(full / 100, 200) : full;

    /// <summary>A new pipeline of one extract type over a folder of its own, made from the built-in one for CSV.</summary>
    public SourceFolder CreateSource(string extractType, string table, IReadOnlyList<ColumnConfig> columns, DialectConfig dialect)
    {
        var folder = Path.Combine(_folder, $"source_{++_names}");
        Directory.CreateDirectory(folder);
        return new SourceFolder(folder, extractType, table, columns, dialect);
    }

    public SourceFolder CreateEvents(DialectConfig dialect) => CreateSource(Events.ExtractType, Events.Table, Events.Columns, dialect);

    /// <summary>A path of its own beside the sources.</summary>
    public string NewPath(string name) => Path.Combine(_folder, $"{++_names}_{name}");

    /// <summary>The first of these programs that is not on the PATH; null where all are.</summary>
    public static string? MissingProgram(params ReadOnlySpan<string> programs)
    {
        foreach (var program in programs)
        {
            if (Command.Find(program) is null)
            {
                return program;
            }
        }

        return null;
    }

    public void Dispose() => TempFolder.Delete(_folder);
}
