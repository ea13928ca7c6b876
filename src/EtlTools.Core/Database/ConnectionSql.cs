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

    private static readonly (string Name, string Statement)[] Settings =
    [
        ("client_min_messages", "SET client_min_messages = warning"),
        // Text is cast to dates inside the database: an ambiguous date must be refused, not guessed from the server's habits.
        ("DateStyle", "SET DateStyle = 'ISO, YMD'"),
        // Bulk statements may take as long as they need; Ctrl+C and Stop-LoadRun end them.
        ("statement_timeout", "SET statement_timeout = 0"),
        // A client that dies in the middle of a statement lets go of its locks within a second. Not every server platform
        // can do it, and those that cannot refuse the setting.
        ("client_connection_check_interval",
            """
            DO $$ BEGIN
                PERFORM set_config('client_connection_check_interval', '500ms', false);
            EXCEPTION WHEN OTHERS THEN NULL;
            END $$
            """),
    ];

    /// <summary>What every session is set to, except what the admin's own options set.</summary>
    public static string SessionSettings(string options) => string.Join(
        ";\n",
        Settings
            .Where(setting => !options.Contains(setting.Name, StringComparison.OrdinalIgnoreCase))
            .Select(setting => setting.Statement));
}
