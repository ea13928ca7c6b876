namespace EtlTools.Core.Runs;

internal static class RunLivenessSql
{
    public const string IsStandby = "SELECT pg_is_in_recovery()";

    /// <summary>A bigint advisory lock shows its high half as classid, its low half as objid, and 1 as objsubid.</summary>
    public const string WithoutLease = """
        SELECT r.load_run_id
        FROM etl.load_runs r
        WHERE r.status = 'running' AND r.lease_key IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM pg_locks l
              WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND l.classid = ((r.lease_key >> 32) & 4294967295)::oid
                AND l.objid = (r.lease_key & 4294967295)::oid)
        """;

    public const string StillRunning =
        "SELECT load_run_id FROM etl.load_runs WHERE load_run_id = ANY(@suspects) AND status = 'running'";
}
