using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>
/// Which tables refer to which. Most sources of this kind declare no references: a column with the name of another table's
/// key, or named TABLE_id, is taken for one.
/// </summary>
internal sealed class SourceReferences
{
    private static readonly string[] IdEndings = ["_id", "id", "num"];

    private readonly Dictionary<string, HashSet<string>> _referenced = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _referring = new(StringComparer.OrdinalIgnoreCase);

    public SourceReferences(IReadOnlyList<SourceTable> tables, IReadOnlyList<TableReference> declared)
    {
        var byName = tables.ToDictionary(table => table.Name, StringComparer.OrdinalIgnoreCase);

        // A key's name that several tables have, such as id, says nothing.
        var byKey = tables.Where(table => table.Key.Count == 1)
            .GroupBy(table => table.Key[0], StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() == 1)
            .ToDictionary(group => group.Key, group => group.Single().Name, StringComparer.OrdinalIgnoreCase);
        foreach (var reference in declared.Where(reference => byName.ContainsKey(reference.Referenced)))
        {
            Add(reference.Table, reference.Referenced);
        }

        foreach (var table in tables)
        {
            foreach (var column in table.Columns.Where(column => column.IsInteger && !(table.Key is [var key] && key == column.Name)))
            {
                if (byKey.TryGetValue(column.Name, out var referenced) || TryName(column.Name, byName, out referenced))
                {
                    Add(table.Name, referenced);
                }
            }
        }

        BreakCircles(tables);
    }

    /// <summary>Tables that are to be there before this one, without circles.</summary>
    public IReadOnlyList<string> DependenciesOf(string table) =>
        _referenced.TryGetValue(table, out var referenced) ? [.. referenced.Order(StringComparer.Ordinal)] : [];

    /// <summary>How many tables refer to this one.</summary>
    public int CountTo(string table) => _referring.GetValueOrDefault(table);

    private static bool TryName(string column, Dictionary<string, SourceTable> tables, out string referenced)
    {
        var ending = IdEndings.FirstOrDefault(ending => column.EndsWith(ending, StringComparison.OrdinalIgnoreCase) && column.Length > ending.Length);
        var found = ending is not null && tables.TryGetValue(column[..^ending.Length], out var table) && table.Key.Count == 1 ? table.Name : null;
        referenced = found ?? "";
        return found is not null;
    }

    private void Add(string table, string referenced)
    {
        if (string.Equals(table, referenced, StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        if (!_referenced.TryGetValue(table, out var known))
        {
            _referenced[table] = known = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        }

        if (known.Add(referenced))
        {
            _referring[referenced] = _referring.GetValueOrDefault(referenced) + 1;
        }
    }

    /// <summary>A reference that leads back to its table is left out, so that there is an order in which tables can be synced.</summary>
    private void BreakCircles(IReadOnlyList<SourceTable> tables)
    {
        var done = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var above = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

        // The most referenced first: it keeps the fewest dependencies.
        foreach (var table in tables.OrderByDescending(table => CountTo(table.Name)).ThenBy(table => table.Name, StringComparer.Ordinal))
        {
            Visit(table.Name);
        }

        void Visit(string name)
        {
            if (!done.Add(name) || !_referenced.TryGetValue(name, out var referenced))
            {
                return;
            }

            above.Add(name);
            referenced.RemoveWhere(above.Contains);
            foreach (var next in referenced.Order(StringComparer.Ordinal))
            {
                Visit(next);
            }

            above.Remove(name);
        }
    }
}
