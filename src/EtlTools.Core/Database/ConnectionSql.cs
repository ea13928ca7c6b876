using System.Globalization;

namespace EtlTools.Core.Database;

internal static class ConnectionSql
{
    public const string ServerInfo =
        """
        SELECT session_user::text,
               current_database()::text,
               coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
               to_regclass('etl.schema_migrations') IS NOT NULL
        """;

    public const string SchemaVersion = "SELECT coalesce(max(version), 0)::int FROM etl.schema_migrations";

    /// <summary>For statements whose rows are read as slowly as somebody turns pages.</summary>
    public const string PatientWithReader = "SET tcp_user_timeout = 0";

    public const string TransactionId = "SELECT pg_current_xact_id()::text";

    /// <summary>The session in which a transaction is open.</summary>
    public const string TransactionHolder = """
        SELECT pid FROM pg_locks
        WHERE locktype = 'transactionid' AND granted AND transactionid::text::bigint = @transactionId::bigint & 4294967295
        """;

    public const string EndSession = "SELECT pg_terminate_backend(@session)";

    private static readonly (string Name, string Statement)[] Settings =
    [
        ("client_min_messages", "SET client_min_messages = warning"),
        // Text is cast to dates inside the database: an ambiguous date must be refused, not guessed from the server's habits.
        ("DateStyle", "SET DateStyle = 'ISO, YMD'"),
        // Bulk statements may take as long as they need; Ctrl+C and Stop-LoadRun end them.
        ("statement_timeout", "SET statement_timeout = 0"),
        // Statements over hundreds of columns take seconds to compile, and no less to run.
        ("jit", "SET jit = off"),
        // A client that dies in the middle of a statement lets go of its locks within a second. Not every server platform
        // can do it, and those that cannot refuse the setting.
        ("client_connection_check_interval",
            """
            DO $$ BEGIN
                PERFORM set_config('client_connection_check_interval', '500ms', false);
            EXCEPTION WHEN OTHERS THEN NULL;
            END $$
            """),
        ("transaction_timeout", """
            DO $$ BEGIN
                PERFORM set_config('transaction_timeout', '0', false);
            EXCEPTION WHEN OTHERS THEN NULL; -- before PostgreSQL 17
            END $$
            """),
        // A client that stands still in the middle of a transaction, as a suspended machine does. A load is silent for a
        // minute or two at most, while it waits for its source.
        ("idle_in_transaction_session_timeout", "SET idle_in_transaction_session_timeout = '15min'"),
        // A client whose network is gone without a sign lets go of its locks within a minute and a half; the systems' own
        // limits are hours. Where a server is stricter still, it stays so.
        ("tcp_keepalives_idle", Tighten("tcp_keepalives_idle", 30)),
        ("tcp_keepalives_interval", Tighten("tcp_keepalives_interval", 10)),
        ("tcp_keepalives_count", $"{Tighten("tcp_keepalives_count", 6)} AND {OnLinux}"),
        ("tcp_user_timeout", $"{Tighten("tcp_user_timeout", 90_000)} AND {OnLinux}"),
    ];

    // Other servers complain of these two in their log.
    private const string OnLinux = "version() LIKE '%linux%'";

    private static string Tighten(string name, int limit) => string.Create(
        CultureInfo.InvariantCulture,
        $"SELECT set_config('{name}', '{limit}', false) WHERE current_setting('{name}')::integer NOT BETWEEN 1 AND {limit}");

    /// <summary>What every session is set to, except what the admin's own options set.</summary>
    public static string SessionSettings(string options) => string.Join(
        ";\n",
        Settings
            .Where(setting => !options.Contains(setting.Name, StringComparison.OrdinalIgnoreCase))
            .Select(setting => setting.Statement));
}
