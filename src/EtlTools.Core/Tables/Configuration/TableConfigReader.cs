using System.Globalization;
using EtlTools.Core.Configuration;

namespace EtlTools.Core.Tables.Configuration;

/// <summary>Reads table configurations of all generations.</summary>
public static class TableConfigReader
{
    /// <summary>What a file says that EtlTools wrote.</summary>
    public const string FormatKey = "format";

    public const string Format = "etltools-1";

    private const string TablesKey = "tables";
    private const string SourceTablesKey = "source_tables";

    /// <exception cref="EtlException">TableConfigNotFound, TableConfigInvalid (every mistake with file, line, expectation).</exception>
    public static TableSyncConfig Read(string path)
    {
        var full = Path.GetFullPath(path);
        return Parse(ReadText(full), full);
    }

    /// <exception cref="EtlException">TableConfigNotFound.</exception>
    internal static string ReadText(string full)
    {
        try
        {
            return File.ReadAllText(full);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new EtlException(
                EtlErrorKind.NotFound,
                "TableConfigNotFound",
                $"The table configuration {full} is not there or cannot be read.",
                full,
                "Correct the path, or write the file with New-TableConfig.",
                inner: error);
        }
    }

    /// <param name="yaml">The text of a table configuration.</param>
    /// <param name="path">What mistakes are reported with.</param>
    /// <exception cref="EtlException">TableConfigInvalid.</exception>
    public static TableSyncConfig Parse(string yaml, string path)
    {
        var mistakes = new ConfigMistakes();
        var config = ConfigDocument.Parse(yaml, path, mistakes) is { } map ? Read(map, path, mistakes) : null;
        mistakes.ThrowIfAny("TableConfigInvalid", path);
        return config!;
    }

    internal static TableSyncConfig Read(ConfigMap map, string path, ConfigMistakes mistakes)
    {
        var root = new ConfigSection(map, "the file", mistakes);
        var generation = GenerationOf(root, mistakes);
        var key = generation == TableConfigGeneration.SourceTables ? SourceTablesKey : TablesKey;
        var section = root.Section(key, key);
        if (section is null && root.Node(key) is null)
        {
            mistakes.Add(map, "the file names no tables", $"{TablesKey}: with settings for each table");
        }

        var ignored = new List<string>();
        var tables = new List<TableConfig>();
        foreach (var entry in section?.Map.Entries ?? [])
        {
            if (entry.Value is not ConfigMap settings)
            {
                mistakes.Add(entry.Key, $"table {entry.Key.Value} has no settings", "strategy, importance, ...");
                continue;
            }

            var table = new ConfigSection(settings, $"table {entry.Key.Value}", mistakes);
            var builder = new TableConfigBuilder(table, entry.Key, generation, mistakes);
            tables.Add(builder.Build());
            Ignore(builder.Unmet, ignored);
            foreach (var read in builder.Sections)
            {
                Leftovers(read, generation, ignored);
            }
        }

        RequireOnce(tables, section, mistakes);
        root.Node("metadata");
        Leftovers(root, generation, ignored);
        return new TableSyncConfig { Path = path, Generation = generation, Tables = tables, Ignored = ignored };
    }

    private static TableConfigGeneration GenerationOf(ConfigSection root, ConfigMistakes mistakes)
    {
        if (root.Scalar(FormatKey) is { } format)
        {
            if (format.Value != Format)
            {
                mistakes.Add(format, $"{FormatKey} is '{format.Value}'", Format);
            }

            return TableConfigGeneration.Current;
        }

        return root.Map.Find(SourceTablesKey) is null ? TableConfigGeneration.Analyzed : TableConfigGeneration.SourceTables;
    }

    /// <summary>In a file of ours a setting that nobody knows is a mistake; older files hold much that says nothing to us.</summary>
    private static void Leftovers(ConfigSection section, TableConfigGeneration generation, List<string> ignored)
    {
        if (generation == TableConfigGeneration.Current)
        {
            section.RejectUnknownKeys();
            return;
        }

        Ignore(section.UnknownKeys, ignored);
    }

    private static void Ignore(IEnumerable<ConfigScalar> keys, List<string> ignored) =>
        ignored.AddRange(keys.Select(key => string.Create(CultureInfo.InvariantCulture, $"{key.Path}:{key.Line}: {key.Value}")));

    private static void RequireOnce(List<TableConfig> tables, ConfigSection? section, ConfigMistakes mistakes)
    {
        foreach (var twins in tables.GroupBy(table => table.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            mistakes.Add(
                section!.Map.Path, twins.Last().Line, $"tables {string.Join(" and ", twins)} differ in case only", "names that differ otherwise");
        }
    }
}
