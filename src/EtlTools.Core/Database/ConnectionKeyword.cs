using System.Globalization;
using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>Puts settings, under the names that libpq gives them, into a connection string, unless they are already there.</summary>
internal static class ConnectionKeyword
{
    /// <summary>Environment variable by libpq keyword.</summary>
    public static IReadOnlyDictionary<string, string> EnvironmentVariables { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["host"] = "PGHOST",
        ["port"] = "PGPORT",
        ["dbname"] = "PGDATABASE",
        ["user"] = "PGUSER",
        ["password"] = "PGPASSWORD",
        ["passfile"] = "PGPASSFILE",
        ["sslmode"] = "PGSSLMODE",
        ["sslrootcert"] = "PGSSLROOTCERT",
        ["sslcert"] = "PGSSLCERT",
        ["sslkey"] = "PGSSLKEY",
        ["application_name"] = "PGAPPNAME",
        ["connect_timeout"] = "PGCONNECT_TIMEOUT",
        ["options"] = "PGOPTIONS",
        ["channel_binding"] = "PGCHANNELBINDING",
        ["gssencmode"] = "PGGSSENCMODE",
    };

    private static readonly Dictionary<string, string> NpgsqlNames = new(StringComparer.Ordinal)
    {
        ["host"] = "Host",
        ["port"] = "Port",
        ["dbname"] = "Database",
        ["user"] = "Username",
        ["password"] = "Password",
        ["passfile"] = "Passfile",
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["application_name"] = "Application Name",
        ["connect_timeout"] = "Timeout",
        ["options"] = "Options",
        ["channel_binding"] = "Channel Binding",
        ["gssencmode"] = "GSS Encryption Mode",
    };

    // Understood by libpq, and without meaning or not needed here.
    private static readonly HashSet<string> Ignored = new(StringComparer.Ordinal)
    {
        "client_encoding", "fallback_application_name", "keepalives", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "target_session_attrs", "sslcompression", "krbsrvname", "gsslib",
    };

    public static IEnumerable<string> Known => NpgsqlNames.Keys;

    public static bool IsKnown(string keyword) => NpgsqlNames.ContainsKey(keyword) || Ignored.Contains(keyword);

    public static bool IsSet(NpgsqlConnectionStringBuilder builder, string keyword) =>
        builder.Keys.Contains(NpgsqlNames[keyword]);

    /// <param name="builder">What is known so far; a setting that is in it stays.</param>
    /// <param name="keyword">As libpq names it.</param>
    /// <param name="value">As libpq writes it; empty counts as not given.</param>
    /// <param name="origin">Where the setting stands, for the message.</param>
    /// <exception cref="EtlException">ConnectionSettingInvalid.</exception>
    public static void SetDefault(NpgsqlConnectionStringBuilder builder, string keyword, string? value, string origin)
    {
        if (string.IsNullOrEmpty(value) || Ignored.Contains(keyword) || IsSet(builder, keyword))
        {
            return;
        }

        // "system" means the machine's own list of authorities, which is what no file at all means here.
        if (keyword == "sslrootcert" && value == "system")
        {
            return;
        }

        try
        {
            builder[NpgsqlNames[keyword]] = Convert(keyword, value);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            throw new EtlException(
                EtlErrorKind.InvalidInput,
                "ConnectionSettingInvalid",
                $"The value of {keyword} ({origin}) is not one that {keyword} can have; expected {Expectation(keyword)}.",
                origin,
                $"Correct {keyword} in {origin}.");
        }
    }

    private static object Convert(string keyword, string value) => keyword switch
    {
        "port" => PortNumber(value),
        "connect_timeout" => int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture),
        "sslmode" => value.ToLowerInvariant() switch
        {
            "disable" => SslMode.Disable,
            "allow" => SslMode.Allow,
            "prefer" => SslMode.Prefer,
            "require" => SslMode.Require,
            "verify-ca" or "verifyca" => SslMode.VerifyCA,
            "verify-full" or "verifyfull" => SslMode.VerifyFull,
            _ => throw new FormatException(),
        },
        _ => value,
    };

    private static int PortNumber(string value) =>
        int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture) is var port and > 0 and <= 65535
            ? port
            : throw new FormatException();

    private static string Expectation(string keyword) => keyword switch
    {
        "port" => "a number from 1 to 65535",
        "connect_timeout" => "a number of seconds",
        "sslmode" => "disable, allow, prefer, require, verify-ca or verify-full",
        "channel_binding" or "gssencmode" => "disable, prefer or require",
        _ => "text",
    };
}
