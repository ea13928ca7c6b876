using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Sync;

/// <summary>Checks the columns that a table's configuration names against those that the source has.</summary>
internal static class ConfiguredColumns
{
    /// <exception cref="EtlException">TableConfigColumnMissing, TableConfigColumnUnfit.</exception>
    public static void Require(TableConfig config, SourceTable table)
    {
        var place = config.Line > 0 ? $" (line {config.Line} of the configuration)" : "";
        foreach (var (setting, name) in Named(config))
        {
            if (table.Find(name) is null)
            {
                throw new EtlException(
                    EtlErrorKind.Schema,
                    "TableConfigColumnMissing",
                    $"{setting} of table {config.Name} names {name}, and the source has no such column{place}.",
                    config.Name,
                    EtlTools.Core.Configuration.Nearest.Find(name, table.Columns.Select(column => column.Name)) is { } meant
                        ? $"Did you mean {meant}? Nothing was changed."
                        : "Correct the configuration, or analyse the source again with New-TableConfig. Nothing was changed.");
            }
        }

        foreach (var name in config.Strategy == SyncStrategy.FullTable ? [] : config.IncrementalColumns)
        {
            if (table.Find(name) is { IsDate: false, IsInteger: false })
            {
                throw new EtlException(
                    EtlErrorKind.Schema,
                    "TableConfigColumnUnfit",
                    $"incremental_columns of table {config.Name} names {name}, which is neither a date nor a whole number{place}.",
                    config.Name,
                    "Name columns of type date, datetime, timestamp or a whole number.");
            }
        }
    }

    private static IEnumerable<(string Setting, string Name)> Named(TableConfig config) =>
        config.PrimaryKey.Select(name => ("primary_key", name))
            .Concat(config.Strategy == SyncStrategy.FullTable ? [] : config.IncrementalColumns.Select(name => ("incremental_columns", name)))
            .Concat((config.Lookback?.Columns ?? []).Select(name => ("lookback", name)))
            .Concat(config.BooleanColumns.Select(name => ("boolean_columns", name)));
}
