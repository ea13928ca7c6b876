namespace EtlTools.TestEnvironment.HealthExport;

/// <summary>A Health Export database as a deployment has it, and how others differ from it.</summary>
public static class HealthExportSchema
{
    /// <summary>Statuses are an enum, and it lacks most of the words.</summary>
    public const string EnumStatus = """
        ALTER TABLE raw_ingestions ALTER processing_status DROP DEFAULT;
        ALTER TABLE raw_ingestions ALTER processing_status TYPE job_status USING 'pending'::job_status;
        ALTER TABLE raw_ingestions ALTER processing_status SET DEFAULT 'pending';
        """;

    /// <summary>Ingestions and heart rates are partitioned by month; there are partitions for 2025 only.</summary>
    public const string Partitioned = """
        ALTER TABLE raw_ingestions RENAME TO plain_ingestions;
        ALTER TABLE plain_ingestions DROP CONSTRAINT raw_ingestions_pkey, ALTER created_at SET NOT NULL;
        CREATE TABLE raw_ingestions (LIKE plain_ingestions INCLUDING DEFAULTS, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
        DROP TABLE plain_ingestions;
        ALTER TABLE heart_rate_metrics RENAME TO plain_heart_rates;
        ALTER TABLE plain_heart_rates DROP CONSTRAINT heart_rate_metrics_user_id_recorded_at_key;
        CREATE TABLE heart_rate_metrics (LIKE plain_heart_rates INCLUDING DEFAULTS INCLUDING CONSTRAINTS, UNIQUE (user_id, recorded_at))
            PARTITION BY RANGE (recorded_at);
        DROP TABLE plain_heart_rates;
        DO $$
        BEGIN
            FOR month IN 1..12 LOOP
                EXECUTE format('CREATE TABLE heart_rate_metrics_2025_%s PARTITION OF heart_rate_metrics FOR VALUES FROM (%L) TO (%L)',
                    month, make_date(2025, month, 1), make_date(2025, month, 1) + interval '1 month');
            END LOOP;
            FOR year IN 2024..2027 LOOP
                EXECUTE format('CREATE TABLE raw_ingestions_%s PARTITION OF raw_ingestions FOR VALUES FROM (%L) TO (%L)',
                    year, make_date(year, 1, 1), make_date(year + 1, 1, 1));
            END LOOP;
        END $$;
        """;

    /// <summary>No metric table has a unique key.</summary>
    public const string WithoutUniqueKeys = """
        DO $$
        DECLARE
            c record;
        BEGIN
            FOR c IN
                SELECT conrelid::regclass AS name, conname FROM pg_constraint
                WHERE contype = 'u' AND conrelid <> 'users'::regclass AND connamespace = 'public'::regnamespace
            LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.name, c.conname);
            END LOOP;
        END $$;
        """;

    /// <summary>The usual one: statuses are varchar, metric tables have unique keys, enums and checks.</summary>
    public static string Sql { get; } = Read();

    private static string Read()
    {
        var assembly = typeof(HealthExportSchema).Assembly;
        using var reader = new StreamReader(assembly.GetManifestResourceStream("EtlTools.TestEnvironment.HealthExport.schema.sql")!);
        return reader.ReadToEnd();
    }
}
