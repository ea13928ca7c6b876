using System.Globalization;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.History;
using EtlTools.Core.Tables.Sync;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Tables;

/// <summary>Random histories of sources whose writer goes on between the syncs, some of which are undone: after the last one, source and copy are equal.</summary>
public sealed class SyncHistoryTests
{
    private const int Histories = 200;
    private const int Rounds = 5;

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
        var kept = new List<IReadOnlyList<TableSync>>();
        for (var round = 0; round < Rounds; round++)
        {
            var statements = tables.SelectMany(table => Enumerable.Range(0, random.Next(4)).Select(_ => Change(table.Config, table.Key, round, random)));
            await work.Source.ExecuteAsync("SET sql_mode = ''; " + string.Concat(statements));
            while (kept.Count > 0 && round < Rounds - 1 && random.Next(2) == 0)
            {
                await UndoAsync(random.Next(kept.Count));
            }

            await SyncAsync(isFull: round < Rounds - 1 && random.Next(4) == 0);
        }

        // What the last syncs brought that read only what may have changed; a full one would hide what they missed.
        await AssertAllEqualAsync();

        // However it went so far: what the last full sync brought is taken back, and brought by the next one.
        await SyncAsync(isFull: true);
        await UndoAsync(random.Next(kept.Count - 2, kept.Count));
        await SyncAsync(isFull: false);

        await AssertAllEqualAsync();

        async Task AssertAllEqualAsync()
        {
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

        async Task SyncAsync(bool isFull)
        {
            if (isFull)
            {
                await work.Source.ExecuteAsync(string.Concat(tables.Select(table => UnstampedChange(table.Config, random))));
            }

            kept.Add(await work.SyncAsync(new TableSyncOptions { IsFull = isFull, MaxConcurrency = 4 }));
        }

        // Returns the copies to before a sync or an undo that has not been undone.
        async Task UndoAsync(int first)
        {
            var target = new TableUndoTarget { TableSyncRunIds = [kept[first][0].TableSyncRunId] };
            kept.RemoveRange(first, kept.Count - first);
            kept.Add(await new TableUndoEngine(work.Database, work.Settings).ExecuteAsync(target, "history", CancellationToken.None));
        }
    }

    /// <summary>Nothing waits for anything: rows are changed while they are read, and committed after they were stamped.</summary>
    [MariaDbFact]
    public async Task Source_and_copy_are_equal_once_a_writer_rests_that_wrote_through_every_sync()
    {
        await using var work = await SyncWorkshop.CreateAsync("");
        work.Settings = work.Settings with { Overlap = TimeSpan.FromSeconds(30) };
        var random = new Random(20261122);
        var tables = Enumerable.Range(0, 12).Select(i => Configure($"t{i}", random) with { IncrementalColumns = ["edited"], BatchSize = 50 }).ToList();
        work.Config = new TableSyncConfig { Tables = tables };
        await work.Source.ExecuteAsync("SET sql_mode = ''; " + string.Concat(tables.Select((table, i) => $"""
            CREATE TABLE {table.Name} (a bigint PRIMARY KEY, note varchar(40), edited datetime) ENGINE={(i % 4 == 0 ? "MyISAM" : "InnoDB")};
            INSERT INTO {table.Name} SELECT seq, 'first', '2024-01-01' FROM seq_1_to_300;
            """)));
        using var rest = new CancellationTokenSource();
        var written = 0;
        var writer = Task.Run(WriteAsync);
        var writtenDuring = new List<int>();
        for (var round = 0; round < 8; round++)
        {
            var before = Volatile.Read(ref written);
            await work.SyncAsync(new TableSyncOptions { IsFull = round % 3 == 2, MaxConcurrency = 3 });
            writtenDuring.Add(Volatile.Read(ref written) - before);
        }

        await rest.CancelAsync();
        await writer;
        Assert.All(writtenDuring, count => Assert.True(count > 0, "The writer rested during a sync."));
        await work.SyncAsync();
        foreach (var table in tables)
        {
            await work.AssertEqualAsync(
                table.Name,
                "CONCAT_WS('|', a, IFNULL(note, '<null>'), IF(edited > '0001-01-01', edited, '<null>'))",
                "concat_ws('|', a, coalesce(note, '<null>'), coalesce(edited::text, '<null>'))");
        }

        async Task WriteAsync()
        {
            while (!rest.IsCancellationRequested)
            {
                var table = tables[random.Next(tables.Count)].Name;
                await work.Source.ExecuteAsync($"START TRANSACTION; {Write(table)}{Write(table)}DO SLEEP(0.01); {Write(table)}COMMIT");
                Interlocked.Increment(ref written);
            }
        }

        string Write(string table)
        {
            var a = random.Next(400);
            var stamp = Random(random, "NOW()", "NOW()", "NOW()", "NULL", "'2999-01-01'", "'0000-00-00'");
            return random.Next(5) switch
            {
                0 => $"DELETE FROM {table} WHERE a BETWEEN {a} AND {a + 3};\n",
                1 => $"UPDATE {table} SET note = '{random.Next(1000)}', edited = {stamp} WHERE a BETWEEN {a} AND {a + 40};\n",
                _ => $"REPLACE INTO {table} VALUES ({a}, '{random.Next(1000)}', {stamp});\n",
            };
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

        // Every other round goes on in the second in which the one before it ended.
        var second = string.Create(CultureInfo.InvariantCulture, $"'2024-03-0{((round + 1) / 2) + 1} 10:00:0{(round % 2 == 1 ? random.Next(3) : 2)}'");
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

    /// <summary>What only a full sync sees, such as the one that follows.</summary>
    private static string UnstampedChange(TableConfig config, Random random) =>
        $"UPDATE {config.Name} SET note = 'unstamped {random.Next(1000)}' WHERE a < {random.Next(12)};\n";

    private static string Random(Random random, params string[] choices) => choices[random.Next(choices.Length)];
}
