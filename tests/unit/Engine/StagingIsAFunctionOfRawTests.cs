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
    private const int Histories = 200;
    private const int Steps = 6;

    [PostgresTheory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task After_any_history(int half)
    {
        await using var work = await EngineWorkshop.OpenAsync();
        for (var seed = half; seed < Histories; seed += 2)
        {
            await work.ResetAsync();
            var history = new History(work, new Random(seed));
            for (var step = 0; step < Steps; step++)
            {
                await history.StepAsync();
                var fault = await history.FindFaultAsync();
                Assert.True(fault is null, $"seed {seed}: {fault}\n{string.Join("\n", history.Log)}");
            }
        }
    }

    private sealed class History(EngineWorkshop work, Random random)
    {
        private readonly List<string> _files = [];

        public List<string> Log { get; } = [];

        public async Task StepAsync()
        {
            var step = random.Next(12);
            Log.Add(step.ToString(CultureInfo.InvariantCulture));
            switch (step)
            {
                case 0 or 1 or 2:
                    WriteFile(NewName());
                    await work.LoadAsync();
                    break;
                case 3:
                    WriteFile(NewName());
                    WriteFile(NewName());
                    await work.LoadAsync(new LoadOptions { SkipStaging = random.Next(2) == 0 });
                    break;
                case 4:
                    work.Write(NewName(), "person_id,practice_id,name,born,amount,active", "1", "2", "3,A,only good one,,,");
                    await work.LoadAsync();
                    break;
                case 5 or 6:
                    await CorrectAndReprocessAsync(hardDelete: random.Next(6) == 0);
                    break;
                case 7:
                    await ReprocessAnyAsync(skipRaw: true);
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
            var actual = (await work.Database.QueryAsync<string>(
                "SELECT concat_ws('|', person_id, practice_id, name, coalesce(born::text, '-'), coalesce(amount::text, '-'), coalesce(active::text, '-'), load_run_file_id) FROM stg.persons")).ToHashSet(StringComparer.Ordinal);
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
        }

        private async Task CorrectAndReprocessAsync(bool hardDelete)
        {
            if (_files.Count == 0)
            {
                return;
            }

            var name = _files[random.Next(_files.Count)];
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

        private async Task ReprocessAnyAsync(bool skipRaw)
        {
            if (await work.Database.ScalarAsync<int?>("SELECT load_run_file_id FROM etl.load_run_files ORDER BY random() LIMIT 1") is { } file)
            {
                await work.ReprocessAsync(file, options => options with { SkipRaw = skipRaw });
            }
        }

        private async Task UndoAsync()
        {
            if (await work.Database.ScalarAsync<Guid?>("SELECT receipt_id FROM etl.reprocess_receipts ORDER BY random() LIMIT 1") is { } receipt)
            {
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

        private async Task CancelledLoadAsync()
        {
            WriteFile(NewName());
            using var cancelling = new CancellationTokenSource(TimeSpan.FromMilliseconds(random.Next(5, 60)));
            try
            {
                await work.LoadAsync(cancellationToken: cancelling.Token);
            }
            catch (OperationCanceledException)
            {
                Log.Add("  cancelled");
            }
        }

        private async Task RepairAsync()
        {
            var row = await work.Database.ScalarAsync<long?>("""
                SELECT r.rejected_row_id FROM etl.rejected_rows r JOIN etl.load_run_files f USING (load_run_file_id)
                WHERE r.stage = 'staging' AND r.repaired_by_load_run_file_id IS NULL AND f.superseded_at IS NULL AND f.status = 'completed'
                ORDER BY random() LIMIT 1
                """);
            if (row is { } id)
            {
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

        private string Pick(params string[] choices) => choices[random.Next(choices.Length)];
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
