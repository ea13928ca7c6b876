using EtlTools.Benchmarks.Data;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Runs;

namespace EtlTools.Benchmarks.Cases;

/// <summary>
/// Our transform of a file that is in raw already, against what a careful author would write for this one table by hand:
/// one statement that checks, casts and upserts, and one that keeps the rejected rows with their reasons.
/// </summary>
internal sealed class Staging : IBenchmark
{
    private const int RowCount = 2_000_000;
    private const int BadRows = 1000;

    public string Name => "staging_vs_sql";

    public async Task<IReadOnlyList<Result>> RunAsync(Workspace workspace)
    {
        var source = workspace.CreateEvents(Dialects.Csv);
        var keys = Events.ShuffledKeys(workspace.Rows(RowCount));
        var badRows = Math.Min(BadRows, keys.Length / 10);
        Events.Write(source.NextPath(), Dialects.Csv, keys, version: 1, badRows);

        await using var database = await workspace.Server.CreateDatabaseAsync(source.Pipeline);
        await LoaderProcess.LoadAsync(source.PipelineFile, database);
        var segment = await database.TextAsync("SELECT max(raw_segment) FROM etl.load_run_files");
        await database.ExecuteAsync($"""
            CREATE TABLE rival (LIKE stg.{Events.Table} INCLUDING ALL);
            CREATE TABLE rival_rejects (file_id integer, row_number bigint, reasons text[], fields jsonb, rejected_at timestamptz DEFAULT now())
            """);
        await database.ExecuteAsync($"VACUUM ANALYZE {segment}");
        await using var etl = database.OpenEtl();
        var engine = new LoadEngine(etl, source.Pipeline);
        var seconds = await Comparison.RunAsync(
            workspace.Runs,
            async () =>
            {
                await database.ExecuteAsync($"""
                    TRUNCATE stg.{Events.Table}, etl.staging_runs, etl.rejected_rows;
                    UPDATE etl.load_run_files SET staged_at = NULL, rows_rejected = 0
                    """);
                return await database.TimeAsync(async () =>
                {
                    var run = await engine.LoadAsync([], new LoadOptions(), progress: null, CancellationToken.None);
                    if (run.Status != LoadRunStatus.Completed)
                    {
                        throw new InvalidOperationException("Staging failed: " + run.Error);
                    }
                });
            },
            async () =>
            {
                await database.ExecuteAsync("TRUNCATE rival, rival_rejects");
                return await database.TimePsqlAsync(RivalSql(segment));
            });

        var rejected = keys.Length / badRows;
        await database.RequireAsync(rejected, "SELECT count(*) FROM rival_rejects");
        await database.RequireAsync(rejected, "SELECT count(*) FROM etl.rejected_rows");
        await database.RequireAsync(keys.Length - rejected, $"""
            SELECT count(*) FROM rival r JOIN stg.{Events.Table} s USING (event_id)
            WHERE (r.patient_id, r.practice_id, r.event_type, r.code, r.description, r.value, r.unit, r.taken_on, r.recorded_at, r.is_active, r.note)
                IS NOT DISTINCT FROM
                (s.patient_id, s.practice_id, s.event_type, s.code, s.description, s.value, s.unit, s.taken_on, s.recorded_at, s.is_active, s.note)
            """);
        return [Result.Speed(Name, "a file of 2,000,000 rows from raw to staging, against hand-written SQL", 0.8, seconds)];
    }

    // Each text is trimmed once, in a sub-query that the planner may not flatten, as in ours; dates are checked as strictly.
    private static string RivalSql(string segment) => $$"""
        CREATE TEMP VIEW trimmed AS
        SELECT nullif(btrim(event_id, E' \t\r\n'), '') AS event_id,
               nullif(btrim(patient_id, E' \t\r\n'), '') AS patient_id,
               nullif(btrim(practice_id, E' \t\r\n'), '') AS practice_id,
               nullif(btrim(event_type, E' \t\r\n'), '') AS event_type,
               nullif(btrim(code, E' \t\r\n'), '') AS code,
               nullif(btrim(description, E' \t\r\n'), '') AS description,
               nullif(btrim(value, E' \t\r\n'), '') AS value,
               nullif(btrim(unit, E' \t\r\n'), '') AS unit,
               nullif(btrim(taken_on, E' \t\r\n'), '') AS taken_on,
               nullif(btrim(recorded_at, E' \t\r\n'), '') AS recorded_at,
               nullif(btrim(is_active, E' \t\r\n'), '') AS is_active,
               nullif(btrim(note, E' \t\r\n'), '') AS note,
               load_run_file_id, load_row_number
        FROM {{segment}}
        OFFSET 0;

        INSERT INTO rival AS s (event_id, patient_id, practice_id, event_type, code, description, value, unit, taken_on,
                                recorded_at, is_active, note, load_run_file_id, load_ts)
        SELECT event_id::bigint, patient_id::integer, practice_id::integer, event_type, code, description, value::numeric(10,2),
               unit, taken_on::date, recorded_at::timestamp, is_active::boolean, note, load_run_file_id, now()
        FROM trimmed
        WHERE {{Valid}}
        ON CONFLICT (event_id) DO UPDATE
        SET patient_id = excluded.patient_id, practice_id = excluded.practice_id, event_type = excluded.event_type,
            code = excluded.code, description = excluded.description, value = excluded.value, unit = excluded.unit,
            taken_on = excluded.taken_on, recorded_at = excluded.recorded_at, is_active = excluded.is_active,
            note = excluded.note, load_run_file_id = excluded.load_run_file_id, load_ts = excluded.load_ts
        WHERE s.load_run_file_id <= excluded.load_run_file_id;

        INSERT INTO rival_rejects (file_id, row_number, reasons, fields)
        SELECT load_run_file_id, load_row_number,
               array_remove(ARRAY[
                   CASE WHEN event_id IS NULL THEN 'event_id:missing' WHEN event_id !~ '{{Whole}}' THEN 'event_id:invalid' END,
                   CASE WHEN patient_id IS NULL THEN 'patient_id:missing' WHEN patient_id !~ '{{Whole}}' THEN 'patient_id:invalid' END,
                   CASE WHEN practice_id IS NULL THEN 'practice_id:missing' WHEN practice_id !~ '{{Whole}}' THEN 'practice_id:invalid' END,
                   CASE WHEN length(event_type) > 20 THEN 'event_type:too_long' END,
                   CASE WHEN length(code) > 10 THEN 'code:too_long' END,
                   CASE WHEN value !~ '{{Number}}' THEN 'value:invalid' END,
                   CASE WHEN taken_on !~ '{{Day}}$' THEN 'taken_on:invalid' END,
                   CASE WHEN recorded_at !~ '{{Day}}{{Time}}$' THEN 'recorded_at:invalid' END,
                   CASE WHEN lower(is_active) NOT IN {{Booleans}} THEN 'is_active:invalid' END], NULL),
               to_jsonb(t) - 'load_run_file_id' - 'load_row_number'
        FROM trimmed t
        WHERE NOT ({{Valid}})
        """;

    private const string Whole = "^[+-]?[0-9]{1,9}$";
    private const string Number = @"^[+-]?([0-9]{1,7}(\.[0-9]*)?|\.[0-9]+)$";
    private const string Booleans = "('true', '1', 'yes', 'y', 't', 'on', 'false', '0', 'no', 'n', 'f', 'off')";
    private const string Time = @"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?)?";

    // Every day of the calendar, leap years included: a cast of what passes cannot fail.
    private const string Day =
        "^(([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
        + "|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29)";

    private static string Valid => $"""
        event_id IS NOT NULL AND event_id ~ '{Whole}'
        AND patient_id IS NOT NULL AND patient_id ~ '{Whole}'
        AND practice_id IS NOT NULL AND practice_id ~ '{Whole}'
        AND (event_type IS NULL OR length(event_type) <= 20)
        AND (code IS NULL OR length(code) <= 10)
        AND (value IS NULL OR value ~ '{Number}')
        AND (taken_on IS NULL OR taken_on ~ '{Day}$')
        AND (recorded_at IS NULL OR recorded_at ~ '{Day}{Time}$')
        AND (is_active IS NULL OR lower(is_active) IN {Booleans})
        """;
}
