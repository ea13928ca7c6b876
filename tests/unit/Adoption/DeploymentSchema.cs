using EtlTools.Core.Configuration;

namespace EtlTools.Tests.Adoption;

/// <summary>
/// An Indici database as the deployment made it: its audit tables without any of our columns, raw tables without key, index
/// or row number, staging tables with their unique indexes.
/// </summary>
internal static class DeploymentSchema
{
    public static string Sql(PipelineConfig pipeline) => Audit + string.Join("\n", pipeline.ExtractTypes.Select(Tables));

    private const string Audit = """
        CREATE SCHEMA etl; CREATE SCHEMA raw; CREATE SCHEMA stg;
        CREATE TABLE etl.load_runs (
            load_run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), started_at timestamptz NOT NULL DEFAULT now(),
            completed_at timestamptz, status text NOT NULL, triggered_by text NOT NULL, notes text,
            total_files_processed integer DEFAULT 0, total_rows_ingested integer DEFAULT 0, total_rows_rejected integer DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
        CREATE TABLE etl.load_run_files (
            load_run_file_id serial PRIMARY KEY, load_run_id uuid NOT NULL REFERENCES etl.load_runs, s3_bucket text NOT NULL,
            s3_key text NOT NULL, s3_version_id text NOT NULL, file_hash text NOT NULL, date_extracted text NOT NULL,
            extract_type text NOT NULL, per_org_id text NOT NULL, practice_id text NOT NULL, rows_read integer DEFAULT 0,
            rows_ingested integer DEFAULT 0, rows_rejected integer DEFAULT 0, started_at timestamptz, finished_at timestamptz,
            status text NOT NULL, error_message text,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX load_run_files_load_run_idx ON etl.load_run_files (load_run_id);
        CREATE UNIQUE INDEX load_run_files_unique_idx ON etl.load_run_files (s3_version_id, file_hash);
        CREATE TABLE etl.staging_runs (
            staging_run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), load_run_id uuid NOT NULL, extract_type text NOT NULL,
            source_table text NOT NULL, target_table text NOT NULL, started_at timestamptz NOT NULL DEFAULT now(),
            completed_at timestamptz, status text NOT NULL, total_rows_read integer DEFAULT 0,
            total_rows_transformed integer DEFAULT 0, total_rows_rejected integer DEFAULT 0,
            total_rows_deduplicated integer DEFAULT 0, successful_batches integer DEFAULT 0, failed_batches integer DEFAULT 0,
            duration_ms integer, rows_per_second integer, memory_usage_mb numeric(10,2), error text, result text,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
        CREATE UNIQUE INDEX staging_runs_load_run_completed_idx
            ON etl.staging_runs (load_run_id, extract_type) WHERE status = 'completed';

        """;

    private static string Tables(ExtractTypeConfig type)
    {
        // What the vendor's file has more than the deployment mapped is not in its tables.
        var columns = type.Columns.Where(column => !column.Name.StartsWith("unmapped_", StringComparison.Ordinal)).ToList();
        var raw = columns.Where(column => column.InFile).Select(column => $"\"{column.Name}\" text");
        var staging = columns
            .Where(column => column.InStaging)
            .Select(column => $"\"{column.Name}\" {column.Type}{(column.NotNull ? " NOT NULL" : "")}");
        return $"""
            CREATE TABLE raw.{type.Table} ({string.Join(", ", raw)}, load_run_file_id integer NOT NULL);
            CREATE TABLE stg.{type.Table} ({string.Join(", ", staging)}, load_run_file_id integer NOT NULL, load_ts timestamptz NOT NULL DEFAULT now());
            CREATE UNIQUE INDEX {type.Table}_stg_natural_key_idx ON stg.{type.Table} ({string.Join(", ", type.NaturalKey)});
            """;
    }
}
