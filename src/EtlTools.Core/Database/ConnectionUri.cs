namespace EtlTools.Core.Database;

/// <summary>postgresql://user:password@host:port/database?name=value, as libpq reads it.</summary>
internal static class ConnectionUri
{
    public static bool IsUri(string text) =>
        text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase);

    /// <summary>Settings by libpq keyword.</summary>
    /// <exception cref="EtlException">ConnectionStringInvalid. No part of the URI is repeated: it may be the password.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string uri)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        var rest = uri[(uri.IndexOf("://", StringComparison.Ordinal) + 3)..];

        var (beforeQuery, query) = Cut(rest, '?');
        var (authority, database) = Cut(beforeQuery, '/');

        // The last @, for a password may hold one that nobody escaped.
        var at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            var (user, password) = Cut(authority[..at], ':');
            Set(settings, "user", user);
            Set(settings, "password", password);
        }

        SetHosts(settings, authority[(at + 1)..]);
        Set(settings, "dbname", database);

        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Cut(pair, '=');
            var keyword = Decode(name);
            if (keyword == "ssl" && value == "true")
            {
                keyword = "sslmode";
                value = "require";
            }

            if (keyword != "service" && !ConnectionKeyword.IsKnown(keyword))
            {
                throw Invalid("a parameter after the question mark is not known; known are " + string.Join(", ", ConnectionKeyword.Known));
            }

            Set(settings, keyword, value);
        }

        return settings;
    }

    private static void SetHosts(Dictionary<string, string> settings, string hosts)
    {
        if (hosts.Contains(',', StringComparison.Ordinal))
        {
            Set(settings, "host", hosts);
            return;
        }

        var bracket = hosts.LastIndexOf(']');
        var colon = hosts.LastIndexOf(':');
        if (colon > bracket)
        {
            Set(settings, "port", hosts[(colon + 1)..]);
            hosts = hosts[..colon];
        }

        Set(settings, "host", hosts.TrimStart('[').TrimEnd(']'));
    }

    private static void Set(Dictionary<string, string> settings, string keyword, string value)
    {
        if (value.Length > 0)
        {
            settings[keyword] = Decode(value);
        }
    }

    private static string Decode(string text)
    {
        for (var i = text.IndexOf('%', StringComparison.Ordinal); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
            {
                throw Invalid("a % is not followed by two hexadecimal digits");
            }
        }

        return Uri.UnescapeDataString(text);
    }

    private static (string Before, string After) Cut(string text, char separator)
    {
        var at = text.IndexOf(separator, StringComparison.Ordinal);
        return at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);
    }

    private static EtlException Invalid(string fault) => new(
        EtlErrorKind.InvalidInput,
        "ConnectionStringInvalid",
        $"The connection URI cannot be read: {fault}.",
        "connection string",
        "Write postgresql://user@host:port/database?sslmode=verify-full, and special characters of names and passwords as %XX.");
}
