using System.Text;
using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Analysis;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>What an analysis has made of a configuration file, or would.</summary>
public sealed record TableConfigReport
{
    public required string Path { get; init; }

    /// <summary>What the analysis said, kept beside the file: the next one tells by it what was edited by hand.</summary>
    public required string GeneratedPath { get; init; }

    /// <summary>Where a file of an older kind is kept as it was, for whoever still reads that kind; null where the file is not of one.</summary>
    public string? OriginalPath { get; init; }

    public required string Source { get; init; }

    /// <summary>Tables that the file then has.</summary>
    public required int Tables { get; init; }

    public required int Critical { get; init; }

    public required int Important { get; init; }

    public required int Audit { get; init; }

    public required int Reference { get; init; }

    public required int Standard { get; init; }

    public required int FullTable { get; init; }

    public required int Incremental { get; init; }

    public required int IncrementalChunked { get; init; }

    /// <summary>Tables and settings that are not as they were; hand edits that were kept among them.</summary>
    public required IReadOnlyList<TableConfigChange> Change { get; init; }

    /// <summary>Those of them that hand and source changed differently.</summary>
    public IReadOnlyList<TableConfigChange> Conflict => [.. Change.Where(change => change.Kind == TableConfigChangeKind.Conflict)];

    /// <summary>False where the file was right as it was, and for a preview.</summary>
    public bool IsWritten { get; init; }

    public int Views { get; init; }

    /// <summary>Tables whose rows could not be looked at, as name: error id.</summary>
    public IReadOnlyList<string> Unread { get; init; } = [];

    /// <summary>Tables new to the file that know no snapshots, as those of MyISAM: whoever writes to one waits while it is read.</summary>
    public IReadOnlyList<string> LocksWriters { get; init; } = [];

    public TimeSpan Duration { get; init; }
}

/// <summary>A table configuration that is written by analyses and edited by hand, and what the last analysis said beside it.</summary>
public sealed class TableConfigFile
{
    private const string TablesKey = "tables";
    private const string MetadataKey = "metadata";

    private readonly SourceAnalysis _analysis;
    private readonly string _text;
    private readonly string _generated;
    private readonly bool _isSame;

    private TableConfigFile(SourceAnalysis analysis, TableConfigReport report, string text, string generated, bool isSame)
    {
        _analysis = analysis;
        _text = text;
        _generated = generated;
        _isSame = isSame;
        Report = report;
    }

    /// <summary>Of what writing would change.</summary>
    public TableConfigReport Report { get; }

    /// <summary>tables.yaml has tables.generated.yaml beside it.</summary>
    public static string GeneratedPathOf(string path) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? "", System.IO.Path.GetFileNameWithoutExtension(path) + ".generated" + System.IO.Path.GetExtension(path));

    /// <summary>tables.yml of an older kind is kept as tables.original.yml.</summary>
    private static string OriginalPathOf(string path) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? "", System.IO.Path.GetFileNameWithoutExtension(path) + ".original" + System.IO.Path.GetExtension(path));

    /// <summary>Merges an analysis into a file, in memory.</summary>
    /// <param name="path">The file; it need not be there.</param>
    /// <param name="analysis">Of the source.</param>
    /// <param name="preference">Whose value is taken where hand and source have both changed it.</param>
    /// <exception cref="EtlException">TableConfigNotFound, TableConfigInvalid: a file with mistakes is not touched.</exception>
    public static TableConfigFile Merge(string path, SourceAnalysis analysis, TableConfigPreference preference)
    {
        var full = System.IO.Path.GetFullPath(path);
        var (old, comments, isOlder) = ReadOld(full, analysis);
        var last = ReadLast(GeneratedPathOf(full));
        var analyzed = TableConfigNodes.Map([.. analysis.Tables.Select(table =>
            TableConfigNodes.Entry(table.Name, TableConfigNodes.Of(table with { LastAnalyzed = DateTimeOffset.UtcNow })))]);
        var merge = new TableConfigMerge(preference);
        var oldTables = old.Find(TablesKey)?.Value as ConfigMap ?? TableConfigNodes.Map([]);
        var asked = analysis.IsPartial ? analysis.Tables.Select(table => table.Name).ToList() : null;
        var tables = merge.MergeTables(last, oldTables, analyzed, asked);
        var root = old with { Entries = [.. old.Entries.Select(entry => entry.Key.Value == TablesKey ? entry with { Value = tables } : entry)] };
        var text = ConfigText.Write(root, comments);

        // What is written has to be readable: whatever the hand has written, it is checked before anything is touched.
        var config = TableConfigReader.Parse(text, full);

        // Of a table that is kept although the source no longer shows it, what was said of it is kept too.
        var before = analysis.IsPartial || last is null ? last : last with { Entries = [.. last.Entries.Where(entry => tables.Find(entry.Key.Value) is not null)] };
        var generated = ConfigText.Write(Generated(before, analyzed), GeneratedHeader());
        var isSame = File.Exists(full) && File.ReadAllText(full).ReplaceLineEndings("\n") == text;
        var report = ReportOf(full, analysis, config, merge.Changes) with { OriginalPath = isOlder ? OriginalPathOf(full) : null };
        return new TableConfigFile(analysis, report, text, generated, isSame);
    }

    /// <summary>Writes the file, and then what the analysis said: a crash between the two costs no hand edit.</summary>
    /// <exception cref="EtlException">TableConfigNotWritten.</exception>
    public async Task<TableConfigReport> WriteAsync()
    {
        try
        {
            if (Report.OriginalPath is { } original && !File.Exists(original))
            {
                File.Copy(Report.Path, original);
            }

            if (!_isSame)
            {
                await WriteAsync(Report.Path, _text).ConfigureAwait(false);
            }

            CrashPoint.Pass("tableconfig.between-files");
            if (!File.Exists(Report.GeneratedPath) || await File.ReadAllTextAsync(Report.GeneratedPath).ConfigureAwait(false) != _generated)
            {
                await WriteAsync(Report.GeneratedPath, _generated).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new EtlException(
                EtlErrorKind.Resource,
                "TableConfigNotWritten",
                $"The table configuration {Report.Path} cannot be written ({error.GetType().Name}).",
                Report.Path,
                "Check that the folder is there and that this user may write to it.",
                inner: error);
        }

        return Report with { IsWritten = !_isSame, Duration = _analysis.Duration };
    }

    private static Task WriteAsync(string path, string text) =>
        AtomicFile.WriteAsync(path, stream => stream.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask());

    /// <summary>The file as nodes of today's form, whatever form it has.</summary>
    private static (ConfigMap Root, ConfigComments Comments, bool IsOlder) ReadOld(string path, SourceAnalysis analysis)
    {
        var source = TableConfigNodes.Map([TableConfigNodes.Entry("source", TableConfigNodes.Scalar(analysis.Source))]);
        var fresh = new[]
        {
            TableConfigNodes.Entry(TableConfigReader.FormatKey, TableConfigNodes.Scalar(TableConfigReader.Format)),
            TableConfigNodes.Entry(MetadataKey, source),
        };
        if (!File.Exists(path))
        {
            return (TableConfigNodes.Map([.. fresh, TableConfigNodes.Entry(TablesKey, TableConfigNodes.Map([]))]), Header(), false);
        }

        var config = TableConfigReader.Read(path);
        if (config.Generation != TableConfigGeneration.Current)
        {
            var tables = config.Tables.Select(table => TableConfigNodes.Entry(table.Name, TableConfigNodes.Said(table)));
            return (TableConfigNodes.Map([.. fresh, TableConfigNodes.Entry(TablesKey, TableConfigNodes.Map([.. tables]))]), Header(), true);
        }

        var yaml = File.ReadAllText(path);
        var root = ConfigDocument.Parse(yaml, path, new ConfigMistakes())!;
        return (root, ConfigComments.Read(yaml, root), false);
    }

    /// <summary>Null where there is none, or none that can be read: every difference is then taken for a hand edit.</summary>
    private static ConfigMap? ReadLast(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var mistakes = new ConfigMistakes();
        var root = ConfigDocument.Parse(File.ReadAllText(path), path, mistakes);
        mistakes.ThrowIfAny("TableConfigInvalid", path);
        return root?.Find(TablesKey)?.Value as ConfigMap;
    }

    private static ConfigMap Generated(ConfigMap? last, ConfigMap analyzed)
    {
        var tables = analyzed.Entries.Select(entry => entry with { Value = TableConfigMerge.WithoutMeasured((ConfigMap)entry.Value) }).ToList();

        // Tables that were not asked about now.
        tables.AddRange((last?.Entries ?? []).Where(entry => analyzed.Find(entry.Key.Value) is null));
        return TableConfigNodes.Map(
        [
            TableConfigNodes.Entry(TableConfigReader.FormatKey, TableConfigNodes.Scalar(TableConfigReader.Format)),
            TableConfigNodes.Entry(TablesKey, TableConfigNodes.Map([.. tables.OrderBy(entry => entry.Key.Value, StringComparer.Ordinal)])),
        ]);
    }

    private static ConfigComments Header() => ConfigComments.Of(
        TableConfigReader.FormatKey,
        "# How each table is copied. Written by New-TableConfig, and yours to edit: what you change, and your comments, survive the next",
        "# analysis, which tells by the file *.generated.yaml beside this one what you have changed. Keep both under version control.");

    private static ConfigComments GeneratedHeader() => ConfigComments.Of(
        TableConfigReader.FormatKey, "# What the last analysis said. Not to be edited: New-TableConfig tells hand edits by it.");

    private static TableConfigReport ReportOf(string path, SourceAnalysis analysis, TableSyncConfig config, IReadOnlyList<TableConfigChange> changes) => new()
    {
        Path = path,
        GeneratedPath = GeneratedPathOf(path),
        Source = analysis.Source,
        Tables = config.Tables.Count,
        Critical = Count(config, TableImportance.Critical),
        Important = Count(config, TableImportance.Important),
        Audit = Count(config, TableImportance.Audit),
        Reference = Count(config, TableImportance.Reference),
        Standard = Count(config, TableImportance.Standard),
        FullTable = config.Tables.Count(table => table.Strategy == SyncStrategy.FullTable),
        Incremental = config.Tables.Count(table => table.Strategy == SyncStrategy.Incremental),
        IncrementalChunked = config.Tables.Count(table => table.Strategy == SyncStrategy.IncrementalChunked),
        Change = changes,
        Views = analysis.Views,
        LocksWriters = [.. analysis.LocksWriters.Where(name => changes.Any(change =>
            change is { Kind: TableConfigChangeKind.Added, Setting: null } && change.Name == name))],
        Unread = [.. analysis.Unread.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}: {pair.Value}")],
        Duration = analysis.Duration,
    };

    private static int Count(TableSyncConfig config, TableImportance importance) => config.Tables.Count(table => table.Importance == importance);
}
