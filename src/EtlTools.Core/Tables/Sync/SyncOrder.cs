using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Tables.Sync;

/// <summary>Which tables are synced, and after which others.</summary>
internal static class SyncOrder
{
    /// <summary>Those that are meant, in the order of the configuration.</summary>
    /// <exception cref="EtlException">TableNotConfigured.</exception>
    public static IReadOnlyList<TableConfig> Select(TableSyncConfig config, TableSyncOptions options)
    {
        foreach (var name in options.Names)
        {
            if (config.Find(name) is null)
            {
                throw new EtlException(
                    EtlErrorKind.NotFound,
                    "TableNotConfigured",
                    $"The configuration has no table {name}.",
                    name,
                    Nearest.Find(name, config.Tables.Select(table => table.Name)) is { } meant
                        ? $"Did you mean {meant}?" : "See the tables of the configuration with Get-TableStatus, or add it there.");
            }
        }

        var named = options.Names.Select(name => config.Find(name)!.Name).ToHashSet(StringComparer.Ordinal);
        return config.Tables
            .Where(table => named.Count == 0 || named.Contains(table.Name))
            .Where(table => options.Importance.Count == 0 || options.Importance.Contains(table.Importance))
            .ToList();
    }

    /// <summary>
    /// Groups that are synced one after the other, each by several sessions at once: by importance, and within it after what
    /// a table depends on. A table that a more important one depends on comes with that one. Large tables come first.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<TableConfig>> Group(IReadOnlyList<TableConfig> tables)
    {
        var byName = tables.ToDictionary(table => table.Name, StringComparer.OrdinalIgnoreCase);
        var places = new Dictionary<string, (int Importance, int Depth)>(StringComparer.OrdinalIgnoreCase);
        foreach (var importance in Enum.GetValues<TableImportance>())
        {
            foreach (var table in tables.Where(table => table.Importance == importance))
            {
                Place(table, (int)importance, []);
            }
        }

        return tables
            .GroupBy(table => places[table.Name])
            .OrderBy(group => group.Key.Importance).ThenBy(group => group.Key.Depth)
            .Select(IReadOnlyList<TableConfig> (group) => [.. group.OrderByDescending(table => table.EstimatedMegabytes ?? 0)])
            .ToList();

        // Tables that depend on each other in a circle come in the order of the configuration.
        int Place(TableConfig table, int importance, HashSet<string> above)
        {
            if (places.TryGetValue(table.Name, out var place))
            {
                return place.Importance < importance ? 0 : place.Depth + 1;
            }

            if (!above.Add(table.Name))
            {
                return 0;
            }

            var depth = table.Dependencies
                .Where(byName.ContainsKey)
                .Select(name => Place(byName[name], importance, above))
                .DefaultIfEmpty(0)
                .Max();
            above.Remove(table.Name);
            places[table.Name] = (importance, depth);
            return depth + 1;
        }
    }
}
