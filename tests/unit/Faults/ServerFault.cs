using EtlTools.Tests.Engine;

namespace EtlTools.Tests.Faults;

/// <summary>
/// Faults that PostgreSQL itself brings about at a chosen row of a table: a trigger on it counts with a sequence, which no
/// rollback turns back, so a fault happens as often as wanted and not again.
/// </summary>
internal static class ServerFault
{
    /// <summary>The session is ended, as by pg_terminate_backend.</summary>
    public const string Terminate = "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10);";

    /// <summary>An error with this SqlState, whose message holds the row, as PostgreSQL's own do.</summary>
    public static string Raise(string sqlState) => $"RAISE EXCEPTION 'this row: %', row_to_json(NEW) USING ERRCODE = '{sqlState}';";

    /// <summary>Arms a table.</summary>
    /// <param name="work">The workshop.</param>
    /// <param name="table">The table, e.g. stg.persons.</param>
    /// <param name="fault">What happens: PL/pgSQL.</param>
    /// <param name="atRow">The first row, counted over all tries, at which it happens.</param>
    /// <param name="times">At how many rows from there on.</param>
    /// <param name="on">INSERT or UPDATE.</param>
    public static Task ArmAsync(
        EngineWorkshop work, string table, string fault, int atRow = 1, int times = 1, string on = "INSERT") =>
        work.Database.ExecuteAsync($"""
            CREATE SCHEMA IF NOT EXISTS fault;
            CREATE SEQUENCE IF NOT EXISTS fault.rows;
            CREATE OR REPLACE FUNCTION fault.happen() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('fault.rows') BETWEEN {atRow} AND {atRow + times - 1} THEN
                    {fault}
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER fault BEFORE {on} ON {table} FOR EACH ROW EXECUTE FUNCTION fault.happen()
            """);

    /// <summary>Rows that have met the trigger so far.</summary>
    public static Task<long> CountRowsAsync(EngineWorkshop work) => work.Database.ScalarAsync<long>(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM fault.rows");

    public static Task DisarmAsync(EngineWorkshop work) => work.Database.ExecuteAsync("DROP SCHEMA fault CASCADE");

    /// <summary>The segment that takes the next rows of a table.</summary>
    public static async Task<string> OpenSegmentAsync(EngineWorkshop work, string table = "raw.persons") =>
        (await work.Database.ScalarAsync<string>(
            "SELECT segment FROM etl.raw_segments WHERE raw_table = @table AND closed_at IS NULL", new { table }))!;
}
