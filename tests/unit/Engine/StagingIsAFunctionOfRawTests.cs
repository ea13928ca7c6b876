using System.Globalization;
using EtlTools.Core;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Engine;

/// <summary>
/// Random histories of loads, bad files, corrections, reprocesses, undos, repairs and cancelled runs. After every step,
/// staging is compared with what an oracle written in C# makes of the raw rows, and with the engine's own integrity test.
/// </summary>
public sealed class StagingIsAFunctionOfRawTests
{
    private const int Steps = 6;

    [PostgresFact]
    public async Task After_any_history()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await RunAsync(work, seeds: Enumerable.Range(0, 80), workers: 1);
    }

    [PostgresFact]
    public async Task A_seed_is_the_same_history_every_time()
    {
        var told = new List<string>();
        for (var time = 0; time < 2; time++)
        {
            await using var work = await EngineWorkshop.OpenAsync();
            told.Add(await RunAsync(work, seeds: Enumerable.Range(0, 8), workers: 1));
        }

        Assert.Equal(told[0], told[1]);
    }

    /// <summary>As above; a segment holds the rows of one run, and all but the last are sealed.</summary>
    [PostgresFact]
    public async Task After_any_history_over_sealed_segments()
    {
        await using var work = await EngineWorkshop.OpenSealingAsync();
        var sealedHistories = 0;
        foreach (var seed in Enumerable.Range(1000, 80))
        {
            await RunAsync(work, [seed], workers: 1);
            var states = await Segments.StatesAsync(work);
            sealedHistories += states.Any(state => state.EndsWith(" sealed", StringComparison.Ordinal)) ? 1 : 0;
        }

        // Not every one: a run that skips staging leaves the sealing to the next.
        Assert.InRange(sealedHistories, 40, 80);
    }

    /// <summary>Files race for their ids, and runs are cancelled by the clock: a seed that fails may pass the next time.</summary>
    [PostgresFact]
    public async Task After_any_history_of_races()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        await RunAsync(work, seeds: Enumerable.Range(2000, 40), workers: 3);
    }

    /// <summary>What was done, and what became of it.</summary>
    private static async Task<string> RunAsync(EngineWorkshop work, IEnumerable<int> seeds, int workers)
    {
        var told = new List<string>();
        foreach (var seed in seeds)
        {
            await work.ResetAsync();
            var history = new History(work, new Random(seed), workers);
            for (var step = 0; step < Steps; step++)
            {
                string? fault;
                try
                {
                    await history.StepAsync();
                    fault = await history.FindFaultAsync();
                }
                catch (Exception error)
                {
                    fault = error.ToString();
                }

                Assert.True(fault is null, $"seed {seed}: {fault}\n{string.Join("\n", history.Log)}");
            }

            told.AddRange(history.Log);
            told.AddRange(await work.Database.QueryAsync<string>(
                "SELECT concat_ws(' ', 'file', load_run_file_id, s3_key, attempt, status, error_code) FROM etl.load_run_files ORDER BY load_run_file_id"));
            told.AddRange((await history.StagingAsync()).Order(StringComparer.Ordinal));
        }

        return string.Join("\n", told);
    }

    private sealed class History(EngineWorkshop work, Random random, int workers)
    {
        private readonly List<string> _files = [];

        /// <summary>The steps so far, each with what it chose.</summary>
        public List<string> Log { get; } = [];

        public async Task StepAsync()
        {
            switch (random.Next(12))
            {
                case 0 or 1 or 2:
                    Log.Add("load");
                    WriteFile(NewName());
                    await LoadAsync();
                    break;
                case 3:
                    var skip = random.Next(2) == 0;
                    Log.Add($"load two{(skip ? ", staging later" : "")}");
                    WriteFile(NewName());
                    WriteFile(NewName());
                    await LoadAsync(new LoadOptions { SkipStaging = skip });
                    break;
                case 4:
                    Log.Add("load a bad file");
                    work.Write(NewName(), "person_id,practice_id,name,born,amount,active", "1", "2", "3,A,only good one,,,");
                    await LoadAsync();
                    break;
                case 5 or 6:
                    await CorrectAndReprocessAsync(hardDelete: random.Next(6) == 0);
                    break;
                case 7:
                    await RestageAsync();
                    break;
                case 8 or 9:
                    await UndoAsync();
                    break;
                case 10:
                    await CancelledLoadAsync();
                    break;
                case 11:
                    await RepairAsync();
                    break;
            }
        }

        /// <summary>Null where staging is what the raw rows say.</summary>
        public async Task<string?> FindFaultAsync()
        {
            var expected = Oracle.Expect(await RawRowsAsync());
            var actual = (await StagingAsync()).ToHashSet(StringComparer.Ordinal);
            if (!actual.SetEquals(expected))
            {
                return $"missing: {string.Join(" / ", expected.Except(actual))}; extra: {string.Join(" / ", actual.Except(expected))}";
            }

            if (await FindQuarantineFaultAsync() is { } fault)
            {
                return fault;
            }

            var integrity = await work.IntegrityAsync();
            return integrity.IsIntact ? null : $"the integrity test says {integrity}";
        }

        /// <summary>
        /// Every raw row that counts and is not valid is in quarantine once: repaired where its correction counts, else open.
        /// </summary>
        private async Task<string?> FindQuarantineFaultAsync()
        {
            var expected = (await RawRowsAsync()).Where(row => row.IsActive && !Oracle.IsValid(row)).Select(row => $"{row.File}:{row.Row}");
            var actual = await work.Database.QueryAsync<string>("""
                SELECT q.load_run_file_id || ':' || q.row_number
                    || CASE WHEN (q.repaired_by_load_run_file_id IS NOT NULL) <> (r.load_run_file_id IS NOT NULL) THEN ' is not what its repair says' ELSE '' END
                FROM etl.rejected_rows q
                JOIN etl.load_run_files f USING (load_run_file_id)
                LEFT JOIN etl.load_run_files r ON r.load_run_file_id = q.repaired_by_load_run_file_id AND r.superseded_at IS NULL
                WHERE q.stage = 'staging' AND f.status = 'completed' AND f.superseded_at IS NULL
                """);
            var (missing, extra) = (expected.Order().ToList(), actual.Order().ToList());
            return missing.SequenceEqual(extra) ? null : $"invalid: {string.Join(' ', missing)}; in quarantine: {string.Join(' ', extra)}";
        }

        public Task<IReadOnlyList<string>> StagingAsync() => work.Database.QueryAsync<string>(
            "SELECT concat_ws('|', person_id, practice_id, name, coalesce(born::text, '-'), coalesce(amount::text, '-'), coalesce(active::text, '-'), load_run_file_id) FROM stg.persons");

        private async Task<IReadOnlyList<RawRow>> RawRowsAsync() => await work.Database.QueryAsync<RawRow>("""
            SELECT r.person_id AS person, r.practice_id AS practice, r.name, r.born, r.amount, r.active, r.load_run_file_id AS file,
                   r.load_row_number AS row, f.extracted_at AS at, f.superseded_at IS NULL AS isactive
            FROM raw.persons r JOIN etl.load_run_files f USING (load_run_file_id)
            LEFT JOIN etl.load_run_files u ON u.load_run_file_id = f.superseded_by_load_run_file_id
            WHERE (f.superseded_at IS NULL AND f.staged_at IS NOT NULL)
               OR (u.staged_at IS NULL AND u.superseded_at IS NULL AND u.status = 'completed')
            """);

        private string NewName() => string.Create(
            CultureInfo.InvariantCulture, $"Person_2501{random.Next(1, 5):D2}0000_f{_files.Count}");

        private Task LoadAsync(LoadOptions? options = null) =>
            work.LoadAsync((options ?? new LoadOptions()) with { MaxConcurrency = workers });

        private void WriteFile(string name)
        {
            if (!_files.Contains(name))
            {
                _files.Add(name);
            }

            var rows = Enumerable.Range(0, random.Next(1, 7)).Select(_ => string.Create(
                CultureInfo.InvariantCulture,
                $"{Pick(" ", "0", "")}{random.Next(1, 8)},{Pick("A", "A ", "B")},{Pick("", "Ann", "Bob", " Cyd ")},{Pick("", "2001-02-28", "2001-02-29", "2000-02-29")},{Pick("", "1.5", "99999", ".25")},{Pick("", "1", "no", "2")}"));
            work.Write(name, ["person_id,practice_id,name,born,amount,active", .. rows]);
            Log.Add("  " + name);
        }

        private async Task CorrectAndReprocessAsync(bool hardDelete)
        {
            if (_files.Count == 0)
            {
                return;
            }

            var name = _files[random.Next(_files.Count)];
            Log.Add($"reprocess {name}{(hardDelete ? ", hard" : "")}");
            if (random.Next(4) > 0)
            {
                WriteFile(name);
            }

            if (await work.Database.ScalarAsync<int?>("SELECT max(load_run_file_id) FROM etl.load_run_files WHERE s3_key LIKE @name || '.%'", new { name }) is { } file)
            {
                var target = new ReprocessTarget { LoadRunFileIds = [file] };
                var options = new ReprocessOptions { Reason = EngineWorkshop.Reason, HardDelete = hardDelete };
                var preview = await work.Reprocessor.PreviewAsync(target, options, null, default);
                Assert.Null(await FindFaultAsync());
                var receipts = await work.Reprocessor.ExecuteAsync(target, options, null, default);
                Assert.Equal(preview.File.Select(planned => planned.Staging), receipts.Select(receipt => receipt.Staging));
            }
        }

        private async Task RestageAsync()
        {
            if (await ChooseAsync<int>("SELECT load_run_file_id FROM etl.load_run_files ORDER BY 1") is { } file)
            {
                Log.Add($"stage file {file} again");
                await work.ReprocessAsync(file, options => options with { SkipRaw = true });
            }
        }

        private async Task UndoAsync()
        {
            if (await ChooseAsync<Guid>("SELECT receipt_id FROM etl.reprocess_receipts ORDER BY created_at") is { } receipt)
            {
                Log.Add(await work.Database.ScalarAsync<string>(
                    "SELECT concat_ws(' ', 'undo', kind, 'of file', new_load_run_file_id) FROM etl.reprocess_receipts WHERE receipt_id = @receipt",
                    new { receipt }) ?? "");
                try
                {
                    await work.Reprocessor.UndoAsync([receipt], EngineWorkshop.Reason, default);
                }
                catch (EtlException refused) when (refused.ErrorId is "UndoConflict" or "UndoNotPossible")
                {
                    Log.Add("  " + refused.ErrorId);
                }
            }
        }

        /// <summary>By the clock where files race; else when one of two files begins or has ended.</summary>
        private async Task CancelledLoadAsync()
        {
            WriteFile(NewName());
            WriteFile(NewName());
            using var cancelling = new CancellationTokenSource();
            var (filesDone, atEnd) = (random.Next(0, 2), random.Next(2) == 0);
            var delay = random.Next(5, 60);
            Log.Add(workers > 1 ? $"load, cancelled after {delay} ms" : $"load, cancelled at the {(atEnd ? "end" : "beginning")} of file {filesDone}");
            if (workers > 1)
            {
                cancelling.CancelAfter(delay);
            }

            try
            {
                await work.Loader.LoadAsync(
                    await work.PlanAsync(),
                    new LoadOptions { MaxConcurrency = workers },
                    workers > 1 ? null : new Messages(message =>
                    {
                        if (message.FilesDone == filesDone + (atEnd ? 1 : 0) && message.FinishedFile is not null == atEnd)
                        {
                            cancelling.Cancel();
                        }
                    }),
                    cancelling.Token);
            }
            catch (OperationCanceledException)
            {
                Log.Add("  cancelled");
            }
        }

        private async Task RepairAsync()
        {
            // The rows of a file are put into quarantine in no order of their own.
            var row = await ChooseAsync<long>("""
                SELECT r.rejected_row_id FROM etl.rejected_rows r JOIN etl.load_run_files f USING (load_run_file_id)
                WHERE r.stage = 'staging' AND r.repaired_by_load_run_file_id IS NULL AND f.superseded_at IS NULL AND f.status = 'completed'
                ORDER BY r.load_run_file_id, r.row_number
                """);
            if (row is { } id)
            {
                Log.Add($"repair row {id}");
                await work.Repair.RepairAsync(
                    [
                        new RowCorrection
                        {
                            RejectedRowId = id,
                            Values = new Dictionary<string, string?>
                            {
                                ["name"] = "Repaired", ["born"] = "2020-02-29", ["amount"] = null, ["active"] = "yes",
                            },
                        },
                    ],
                    EngineWorkshop.Reason,
                    preview: false,
                    default);
            }
        }

        private async Task<T?> ChooseAsync<T>(string sql)
            where T : struct
        {
            var choices = await work.Database.QueryAsync<T>(sql);
            return choices.Count == 0 ? null : choices[random.Next(choices.Count)];
        }

        private string Pick(params string[] choices) => choices[random.Next(choices.Length)];
    }

    /// <summary>Hears every message at once, unlike Progress.</summary>
    private sealed class Messages(Action<LoadProgress> hear) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => hear(value);
    }

    internal sealed record RawRow
    {
        public string? Person { get; init; }
        public string? Practice { get; init; }
        public string? Name { get; init; }
        public string? Born { get; init; }
        public string? Amount { get; init; }
        public string? Active { get; init; }
        public int File { get; init; }
        public long Row { get; init; }
        public DateTime At { get; init; }
        public bool IsActive { get; init; }
    }

    /// <summary>The rules of the workshop's Person, written a second time and without SQL.</summary>
    private static class Oracle
    {
        public static HashSet<string> Expect(IEnumerable<RawRow> rows) => rows
            .Where(IsValid)
            .GroupBy(row => (int.Parse(row.Person!, CultureInfo.InvariantCulture), row.Practice!.Trim()))
            .Select(key => key.OrderBy(row => row.At).ThenBy(row => row.File).ThenBy(row => row.Row).Last())
            .Select(row => string.Join('|',
                int.Parse(row.Person!, CultureInfo.InvariantCulture),
                row.Practice!.Trim(),
                row.Name!.Trim(),
                row.Born?.Trim() ?? "-",
                row.Amount is null ? "-" : decimal.Parse(row.Amount, CultureInfo.InvariantCulture).ToString("0.00", CultureInfo.InvariantCulture),
                row.Active is null ? "-" : row.Active is "1" or "yes" ? "true" : "false",
                row.File))
            .ToHashSet(StringComparer.Ordinal);

        public static bool IsValid(RawRow row) =>
            int.TryParse(row.Person, CultureInfo.InvariantCulture, out _)
            && !string.IsNullOrWhiteSpace(row.Practice)
            && !string.IsNullOrWhiteSpace(row.Name)
            && (row.Born is null || DateTime.TryParseExact(row.Born, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
            && (row.Amount is null || Math.Abs(decimal.Parse(row.Amount, CultureInfo.InvariantCulture)) < 10000)
            && row.Active is null or "1" or "0" or "yes" or "no";
    }
}
