using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>Compares all tables of a configuration with those of the source, and with each other.</summary>
internal sealed class ConfiguredTables
{
    private readonly TableSyncConfig _config;
    private readonly Dictionary<string, SourceTable> _source;
    private readonly string _path;
    private readonly List<TableConfigFault> _faults = [];

    public ConfiguredTables(TableSyncConfig config, IReadOnlyList<SourceTable> source, string path)
    {
        _config = config;
        _source = source.GroupBy(table => table.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(group => group.Key, group => group.First(), StringComparer.OrdinalIgnoreCase);
        _path = path;
    }

    public IReadOnlyList<TableConfigFault> FindFaults()
    {
        foreach (var table in _config.Tables)
        {
            if (_source.TryGetValue(table.Name, out var found))
            {
                CheckName(table, found);
                _faults.AddRange(ConfiguredTable.FindFaults(table, found));
                CheckHash(table, found);
            }
            else
            {
                Add(table, null, null, TableConfigSeverity.Error, "TableMissing", $"The source has no table {table.Name}, or this user may not read it", "a table of the source",
                    Nearest.Find(table.Name, _source.Keys) is { } meant ? $"Did you mean {meant}? Else take the table out." : $"Take the table out. {ConfiguredTable.Reanalyse}");
            }

            foreach (var dependency in table.Dependencies.Where(dependency => _config.Find(dependency) is null && !_source.ContainsKey(dependency)))
            {
                Add(table, "dependencies", dependency, TableConfigSeverity.Warning, "DependencyMissing", $"It depends on {dependency}, and there is no such table",
                    "a table of the source", $"Take {dependency} out of dependencies.");
            }
        }

        CheckCircles();
        foreach (var table in _source.Values.Where(table => table.Engine.Length > 0 && _config.Find(table.Name) is null))
        {
            _faults.Add(new TableConfigFault
            {
                Code = "TableNotConfigured",
                Severity = TableConfigSeverity.Warning,
                Name = table.Name,
                Path = _path,
                Problem = $"The source has a table {table.Name} that is not configured, and not copied",
                Expected = "every table of the source, or those that are meant to be copied",
                Fix = $"New-TableConfig -Name {table.Name} adds it.",
            });
        }

        return _faults;
    }

    /// <summary>Sync-Table asks for a table by its very name, as most servers do.</summary>
    private void CheckName(TableConfig table, SourceTable source)
    {
        if (table.Name != source.Name)
        {
            Add(table, null, null, TableConfigSeverity.Error, "TableNameCase", $"The source's table is called {source.Name}", "its name, letter by letter", $"Call it {source.Name}.");
        }
    }

    private void CheckHash(TableConfig table, SourceTable source)
    {
        if (table.SchemaHash is { } hash && hash != SchemaHash.Of(source))
        {
            Add(table, TableConfigNodes.SchemaHash, null, TableConfigSeverity.Warning, "SchemaChanged", "The columns of the table have changed since it was analysed",
                "columns as they were", ConfiguredTable.Reanalyse);
        }
    }

    /// <summary>Each circle is told once.</summary>
    private void CheckCircles()
    {
        var done = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var above = new List<string>();
        foreach (var table in _config.Tables)
        {
            Visit(table);
        }

        void Visit(TableConfig table)
        {
            if (above.FindIndex(name => string.Equals(name, table.Name, StringComparison.OrdinalIgnoreCase)) is var start and >= 0)
            {
                Add(table, "dependencies", above[^1] == table.Name ? table.Name : null, TableConfigSeverity.Warning, "DependencyCircle",
                    $"Tables depend on each other in a circle: {string.Join(" on ", [.. above[start..], table.Name])}",
                    "an order in which each comes after what it depends on", "Take one of these out of the dependencies of another.");
                return;
            }

            if (!done.Add(table.Name))
            {
                return;
            }

            above.Add(table.Name);
            foreach (var dependency in table.Dependencies)
            {
                if (_config.Find(dependency) is { } next)
                {
                    Visit(next);
                }
            }

            above.RemoveAt(above.Count - 1);
        }
    }

    private void Add(
        TableConfig table, string? setting, string? value, TableConfigSeverity severity, string code, string problem, string expected, string fix) =>
        _faults.Add(TableConfigFault.Of(table, setting, value, severity, code, problem, expected, fix));
}
