using Dapper;
using EtlTools.Core.Database;
using EtlTools.Core.Tables.Tracking;
using Npgsql;

namespace EtlTools.Core.Tables.Mapping;

/// <summary>A table of the copy as PostgreSQL's catalogue has it.</summary>
internal sealed record TargetTable
{
    public required string Schema { get; init; }

    public required string Name { get; init; }

    public bool Exists => Columns.Count > 0;

    /// <summary>In their order; without generated ones.</summary>
    public IReadOnlyList<TargetColumn> Columns { get; init; } = [];

    /// <summary>The sets of columns that a whole unique index covers.</summary>
    public IReadOnlyList<IReadOnlyList<string>> UniqueKeys { get; init; } = [];

    public bool HasPrimaryKey { get; init; }

    public string Qualified => SqlIdentifier.Qualify(Schema, Name);

    public TargetColumn? Find(string column) => Columns.FirstOrDefault(known => known.Name == column);

    public bool IsUniqueBy(IReadOnlyCollection<string> key) => UniqueKeys.Any(known => known.Count == key.Count && known.All(key.Contains));

    /// <exception cref="EtlException">TargetTableTaken.</exception>
    public static async Task<TargetTable> ReadAsync(NpgsqlConnection connection, string schema, string name, CancellationToken cancellationToken)
    {
        var qualified = SqlIdentifier.Qualify(schema, name);
        using var answers = await connection.QueryMultipleAsync(new CommandDefinition(
            TargetSql.Describe, new { qualified }, cancellationToken: cancellationToken)).ConfigureAwait(false);
        var columns = (await answers.ReadAsync<(string Name, string Type, bool IsNotNull)>().ConfigureAwait(false))
            .Select(column => new TargetColumn(column.Name, column.Type, column.IsNotNull)).ToList();
        var keys = (await answers.ReadAsync<(string[] Columns, bool IsPrimary)>().ConfigureAwait(false)).AsList();
        var kind = await answers.ReadSingleOrDefaultAsync<string?>().ConfigureAwait(false);
        if (kind is not null && kind != "r" || name == LoadStatusSql.Table || columns.Exists(column => column.Name == "load_run_file_id"))
        {
            throw new EtlException(
                EtlErrorKind.Conflict,
                "TargetTableTaken",
                $"{schema}.{name} is no table that a copy can be written to: it belongs to a pipeline of files, is the tracking table of syncs, or is a view or partitioned.",
                $"{schema}.{name}",
                "Give the source a schema of its own in etl.yaml, or take the table out of its configuration.");
        }

        return new TargetTable
        {
            Schema = schema,
            Name = name,
            Columns = columns,
            UniqueKeys = [.. keys.Select(key => key.Columns)],
            HasPrimaryKey = keys.Exists(key => key.IsPrimary),
        };
    }
}

internal sealed record TargetColumn(string Name, string Type, bool IsNotNull);
