using System.Globalization;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>Random histories of sources whose writer goes on between the syncs: after the last one, source and copy are equal.</summary>
public sealed class SyncHistoryTests
{
    private const int Histories = 100;

    private static readonly string[] Columns = ["a", "b", "note", "edited", "other"];

    [MariaDbFact]
    public async Task Source_and_copy_are_equal_after_any_history()
    {
        // Many small tables in one source and one copy: a database a history would take minutes.
        await using var work = await SyncWorkshop.CreateAsync("");
        var random = new Random(20261121);
        var tables = Enumerable.Range(0, Histories).Select(i => (Config: Configure($"t{i}", random), Key: Random(random, "a", "a, b", "b, a"))).ToList();
        work.Config = new TableSyncConfig { Tables = [.. tables.Select(table => table.Config)] };
        await work.Source.ExecuteAsync("SET sql_mode = ''; " + string.Concat(tables.Select(table => $"""
            CREATE TABLE {table.Config.Name} (a bigint NOT NULL, b int NOT NULL, note varchar(40), edited datetime, other date, PRIMARY KEY ({table.Key})) ENGINE={Random(random, "InnoDB", "MyISAM")};
            """)));
        for (var round = 0; round < 6; round++)
        {
            var statements = tables.SelectMany(table => Enumerable.Range(0, random.Next(4)).Select(_ => Change(table.Config, table.Key, round, random)));
            await work.Source.ExecuteAsync("SET sql_mode = ''; " + string.Concat(statements));
            await work.SyncAsync(new TableSyncOptions { IsFull = random.Next(8) == 0, MaxConcurrency = 4 });
        }

        foreach (var (config, _) in tables)
        {
            try
            {
                await work.AssertEqualAsync(
                    config.Name,
                    "CONCAT_WS('|', a, b, IFNULL(note, '<null>'), IF(edited > '0001-01-01', edited, '<null>'), IF(other > '0001-01-01', other, '<null>'))",
                    "concat_ws('|', a, b, coalesce(note, '<null>'), coalesce(edited::text, '<null>'), coalesce(other::text, '<null>'))");
            }
            catch (Xunit.Sdk.XunitException)
            {
                Assert.Fail($"The history of {config} ended in a copy that differs.");
            }
        }
    }

    private static TableConfig Configure(string name, Random random) => new()
    {
        Name = name,
        Strategy = (SyncStrategy)random.Next(3),
        IncrementalColumns = random.Next(2) == 0 ? ["edited"] : ["other", "edited"],
        IncrementalLogic = IncrementalLogic.Or,
        Deletes = true,
        BatchSize = random.Next(1, 6),
    };

    /// <summary>A writer that stamps what it changes, as well as such writers do: in the same second, in the future, not at all, or with nonsense.</summary>
    private static string Change(TableConfig config, string key, int round, Random random)
    {
        var (a, b) = (random.Next(12), key == "a" ? 0 : random.Next(3));
        var second = string.Create(CultureInfo.InvariantCulture, $"'2024-03-0{round + 1} 10:00:0{random.Next(3)}'");
        var stamp = Random(random, second, second, second, "NULL", "'2999-01-01'", "'0000-00-00'", "'1902-07-31'");
        var other = stamp == second ? Random(random, "NULL", "'2010-01-01'", "'0001-01-01'", "'2999-01-01'") : stamp;
        var note = $"'{random.Next(1000)}'";
        return random.Next(5) switch
        {
            0 => $"DELETE FROM {config.Name} WHERE a = {a};\n",
            1 => $"UPDATE {config.Name} SET note = {note}, edited = {stamp}, other = {other} WHERE a >= {a};\n",
            _ => $"REPLACE INTO {config.Name} VALUES ({a}, {b}, {note}, {stamp}, {other});\n",
        };
    }

    private static string Random(Random random, params string[] choices) => choices[random.Next(choices.Length)];
}
