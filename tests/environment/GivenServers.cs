using Npgsql;

namespace EtlTools.TestEnvironment;

/// <summary>Servers that the environment names, so that none need be started.</summary>
public static class GivenServers
{
    /// <summary>Npgsql keywords of a server where databases may be created and dropped.</summary>
    public const string PostgresVariable = "ETL_TEST_CONNECTION";

    /// <summary>Address of an S3 server where buckets may be created and deleted, e.g. http://127.0.0.1:4568.</summary>
    public const string S3Variable = "ETL_TEST_S3";

    /// <summary>Port of a MariaDB server on 127.0.0.1 whose root needs no password and may create and drop databases.</summary>
    public const string MariaDbVariable = "ETL_TEST_MARIADB";

    /// <summary>The connection in ETL_TEST_CONNECTION, or in PGHOST and its kin; null where there is none.</summary>
    public static string? Postgres
    {
        get
        {
            if (Read(PostgresVariable) is { } given)
            {
                return given;
            }

            if (Read("PGHOST") is not { } host || Read(global::EtlTools.TestEnvironment.Postgres.PostgresBinaries.ChoiceVariable) is not null)
            {
                return null;
            }

            var builder = new NpgsqlConnectionStringBuilder { Host = host };
            if (Read("PGPORT") is { } port)
            {
                builder.Port = int.Parse(port, System.Globalization.CultureInfo.InvariantCulture);
            }

            builder.Username = Read("PGUSER") ?? Environment.UserName;
            builder.Password = Read("PGPASSWORD");
            builder.Database = Read("PGDATABASE") ?? "postgres";
            return builder.ConnectionString;
        }
    }

    public static string? S3 => Read(S3Variable);

    public static int? MariaDbPort =>
        Read(MariaDbVariable) is { } port ? int.Parse(port, System.Globalization.CultureInfo.InvariantCulture) : null;

    private static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
