using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Recovery.Payloads;
using Npgsql;

namespace EtlTools.Core.Recovery.Tables;

/// <summary>Binds the types of a mapping to the tables that a database has for them. What it lacks is no error.</summary>
internal static class MetricTableReader
{
    /// <param name="connection">Open; expressions are written for its search path.</param>
    /// <param name="schema">Where the metric tables are: beside raw_ingestions.</param>
    /// <param name="map">What payloads can hold.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<MetricCatalogue> ReadAsync(
        NpgsqlConnection connection, string schema, MetricMap map, CancellationToken cancellationToken)
    {
        var names = map.Types.SelectMany(type => type.Tables).Distinct(StringComparer.Ordinal).ToArray();
        var found = (await QueryAsync<FoundTable>(MetricTableSql.Tables, new { schema, names }).ConfigureAwait(false))
            .ToDictionary(table => table.TableName, StringComparer.Ordinal);
        var oids = found.Values.Where(table => table.IsReadable).Select(table => table.Oid).ToArray();
        var columns = (await QueryAsync<FoundColumn>(MetricTableSql.Columns, new { oids }).ConfigureAwait(false)).ToLookup(column => column.TableOid);
        var enums = columns.SelectMany(group => group).Where(column => column.IsEnum).Select(column => column.BaseOid).Distinct().ToArray();
        var labels = (await QueryAsync<FoundLabel>(MetricTableSql.Labels, new { oids = enums }).ConfigureAwait(false)).ToLookup(label => label.TypeOid, label => label.Label);
        var keys = (await QueryAsync<FoundKey>(MetricTableSql.UniqueKeys, new { oids }).ConfigureAwait(false)).ToLookup(key => key.TableOid);
        var checks = (await QueryAsync<FoundCheck>(MetricTableSql.Checks, new { oids }).ConfigureAwait(false)).ToLookup(check => check.TableOid);
        var references = (await QueryAsync<FoundReference>(MetricTableSql.ForeignKeys, new { oids }).ConfigureAwait(false)).ToLookup(reference => reference.TableOid);
        var partitions = (await QueryAsync<FoundPartition>(MetricTableSql.Partitions, new { oids }).ConfigureAwait(false)).ToLookup(partition => partition.TableOid);

        var tables = new List<MetricTable>();
        var tableOf = new Dictionary<string, MetricTable>(StringComparer.Ordinal);
        foreach (var group in map.Types
            .Select(type => (Type: type, Table: TableOf(type)))
            .Where(pair => pair.Table is { IsReadable: true })
            .GroupBy(pair => pair.Table!.TableName, pair => pair.Type, StringComparer.Ordinal))
        {
            var table = found[group.Key];
            var builder = new MetricTableBuilder(
                schema,
                table,
                columns[table.Oid].ToList(),
                labels,
                keys[table.Oid].ToList(),
                checks[table.Oid].ToList(),
                references[table.Oid].ToList(),
                partitions[table.Oid].ToList());
            if (builder.Build(tables.Count, group.ToList()) is { } built)
            {
                tables.Add(built);
                tableOf.Add(group.Key, built);
            }
        }

        return new MetricCatalogue
        {
            Map = map,
            Tables = tables,
            Bindings = map.Types.Select(type => TableOf(type) is { } its && tableOf.TryGetValue(its.TableName, out var table)
                ? Bind(type, table)
                : null).ToList(),
            Unreadable = map.Types.Select(type => TableOf(type) is { IsReadable: false } table ? $"{schema}.{table.TableName}" : null).ToList(),
        };

        // The first of its names that there is, whoever may read it: another one would hold something else.
        FoundTable? TableOf(MetricType type) => type.Tables.FirstOrDefault(found.ContainsKey) is { } name ? found[name] : null;

        Task<IEnumerable<T>> QueryAsync<T>(string sql, object parameters) =>
            connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }

    private static TableBinding Bind(MetricType type, MetricTable table)
    {
        var sources = table.Columns
            .Select(column => type.FindColumn(column.Name) is { } source && ColumnFormats.CanHold(column.Format, source.Kind) ? source.Ordinal : -1)
            .ToList();
        return new TableBinding
        {
            Type = type,
            Table = table,
            Sources = sources,
            Left = type.Columns.Where(column => !sources.Contains(column.Ordinal)).ToList(),
        };
    }
}

internal sealed record FoundTable
{
    public long Oid { get; init; }
    public string TableName { get; init; } = "";
    public bool IsPartitioned { get; init; }
    public bool IsReadable { get; init; }
}

internal sealed record FoundColumn
{
    public long TableOid { get; init; }
    public string Name { get; init; } = "";
    public string BaseType { get; init; } = "";
    public long BaseOid { get; init; }
    public bool IsEnum { get; init; }
    public string TypeSql { get; init; } = "";
    public int Modifier { get; init; }
    public bool IsNotNull { get; init; }
    public bool IsGenerated { get; init; }
    public bool IsIdentity { get; init; }

    /// <summary>Of the default, or of a generated column.</summary>
    public string? Expression { get; init; }
}

internal sealed record FoundLabel
{
    public long TypeOid { get; init; }
    public string Label { get; init; } = "";
}

internal sealed record FoundKey
{
    public long TableOid { get; init; }
    public string[] Columns { get; init; } = [];
}

internal sealed record FoundCheck
{
    public long TableOid { get; init; }
    public string Name { get; init; } = "";
    public string Expression { get; init; } = "";
    public string[] Columns { get; init; } = [];
}

internal sealed record FoundReference
{
    public long TableOid { get; init; }
    public string Name { get; init; } = "";
    public string TargetSchema { get; init; } = "";
    public string TargetTable { get; init; } = "";
    public string[] Columns { get; init; } = [];
    public string[] TargetColumns { get; init; } = [];
}

internal sealed record FoundPartition
{
    public long TableOid { get; init; }
    public string? Expression { get; init; }
    public bool IsDefault { get; init; }
}
