using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;

namespace EtlTools.Tests.Faults;

/// <summary>What has to hold whatever happened, once the next run has ended.</summary>
internal static class Truth
{
    /// <summary>Nothing lost, nothing doubled, and a ledger that says so; raw holds what lies in the folder.</summary>
    /// <param name="work">The workshop.</param>
    /// <param name="exceptFile">Part of the name of a file that is not expected in raw, for it cannot be loaded.</param>
    public static async Task AssertWholeAsync(EngineWorkshop work, string? exceptFile = null)
    {
        await AssertConsistentAsync(work);
        foreach (var (type, columns) in new[] { ("Person", "person_id, practice_id, name, born, amount, active"), ("Visit", "visit_id, at") })
        {
            var inFolder = Directory.EnumerateFiles(work.Folder, type + "_*.csv")
                .Where(file => exceptFile is null || !file.Contains(exceptFile, StringComparison.Ordinal))
                .SelectMany(file => File.ReadLines(file).Skip(1).Select(line => $"{Path.GetFileName(file)}: {line}"))
                .Order(StringComparer.Ordinal);
            var inRaw = await work.Database.QueryAsync<string>(
                $"""
                SELECT f.s3_key || ': ' || concat_ws(',', {string.Join(", ", columns.Split(", ").Select(column => $"coalesce(r.{column}, '')"))})
                FROM raw.{Table(type)} r JOIN etl.load_run_files f USING (load_run_file_id)
                WHERE f.superseded_at IS NULL
                """);
            Assert.Equal(inFolder, inRaw.Order(StringComparer.Ordinal));
        }
    }

    /// <summary>Staging is what raw says, no raw row is without an owner, and no run or file hangs.</summary>
    public static async Task AssertConsistentAsync(EngineWorkshop work)
    {
        await AssertStagingAsync(work);
        await AssertLedgerAsync(work);
    }

    /// <summary>Staging is what raw says, and no raw row is without an owner.</summary>
    public static async Task AssertStagingAsync(EngineWorkshop work)
    {
        foreach (var type in new[] { "Person", "Visit" })
        {
            var found = await work.IntegrityAsync(type);
            Assert.True(
                found is { IsIntact: true, UnstagedFiles: 0 },
                $"{type}: {found.Missing} missing, {found.Extra} extra, {found.Different} different, {found.UnstagedFiles} files unstaged");
            Assert.Equal(0, await work.Database.ScalarAsync<long>(
                $"""
                SELECT count(*) FROM raw.{Table(type)} r LEFT JOIN etl.load_run_files f USING (load_run_file_id)
                WHERE f.status IS DISTINCT FROM 'completed' OR f.raw_deleted_at IS NOT NULL
                """));
        }
    }

    private static async Task AssertLedgerAsync(EngineWorkshop work) =>
        Assert.Empty(await work.Database.QueryAsync<string>("""
            SELECT load_run_id::text || ' ' || status FROM etl.load_runs
            WHERE status NOT IN ('completed', 'failed', 'cancelled') OR completed_at IS NULL
               OR (status <> 'completed') <> (error_code IS NOT NULL)
            UNION ALL
            SELECT load_run_file_id || ' ' || status FROM etl.load_run_files
            WHERE status NOT IN ('completed', 'failed') OR finished_at IS NULL OR (status = 'failed') <> (error_code IS NOT NULL)
            UNION ALL
            SELECT load_run_id::text || ' says completed and has a failed file'
            FROM etl.load_runs r
            WHERE status = 'completed' AND EXISTS (
                SELECT FROM etl.load_run_files f WHERE f.load_run_id = r.load_run_id AND f.status = 'failed')
            UNION ALL
            SELECT load_run_id::text || ' counts other rows than its files'
            FROM etl.load_runs r
            WHERE total_rows_ingested <> (
                SELECT coalesce(sum(rows_ingested) FILTER (WHERE status = 'completed'), 0)
                FROM etl.load_run_files f WHERE f.load_run_id = r.load_run_id)
            UNION ALL
            SELECT s3_key || ' counts twice' FROM etl.load_run_files
            WHERE status = 'completed' AND superseded_at IS NULL AND origin = 'source'
            GROUP BY s3_key HAVING count(*) > 1
            UNION ALL
            SELECT f.load_run_file_id || ' ' || f.status || ' has ' || count(p.receipt_id) || ' receipts'
            FROM etl.load_run_files f
            LEFT JOIN etl.reprocess_receipts p ON p.new_load_run_file_id = f.load_run_file_id AND p.kind <> 'undo' AND NOT p.skip_raw
            GROUP BY f.load_run_file_id, f.status HAVING count(p.receipt_id) > CASE f.status WHEN 'completed' THEN 1 ELSE 0 END
            """));

    /// <summary>Planning and loading again changes nothing.</summary>
    public static async Task AssertNothingLeftToDoAsync(EngineWorkshop work)
    {
        var before = await SnapshotAsync(work);
        Assert.Empty(await work.PlanAsync());
        Assert.Equal(LoadRunStatus.Completed, (await work.LoadAsync()).Status);
        Assert.Equal(before, await SnapshotAsync(work));
    }

    /// <summary>Everything but the runs: files, raw, staging, quarantine, receipts.</summary>
    public static async Task<string> SnapshotAsync(EngineWorkshop work) => string.Join("\n", await work.Database.QueryAsync<string>("""
        SELECT 'file ' || to_jsonb(f)::text FROM etl.load_run_files f
        UNION ALL SELECT 'raw person ' || to_jsonb(r)::text FROM raw.persons r
        UNION ALL SELECT 'raw visit ' || to_jsonb(r)::text FROM raw.visits r
        UNION ALL SELECT 'person ' || to_jsonb(s)::text FROM stg.persons s
        UNION ALL SELECT 'visit ' || to_jsonb(s)::text FROM stg.visits s
        UNION ALL SELECT 'rejected ' || to_jsonb(r)::text FROM etl.rejected_rows r
        UNION ALL SELECT 'receipt ' || to_jsonb(r)::text FROM etl.reprocess_receipts r
        ORDER BY 1
        """));

    private static string Table(string type) => type == "Person" ? "persons" : "visits";
}
