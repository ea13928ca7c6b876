using System.Data.Common;
using System.Net;
using EtlTools.Core.Configuration;
using Npgsql;

namespace EtlTools.Core.Database;

/// <summary>
/// From what the admin said to a complete connection string. What is said nearer wins: user name and password of the
/// request, the connection string or profile, the service file, the PG* variables, the defaults.
/// </summary>
internal static class ConnectionResolver
{
    public static NpgsqlConnectionStringBuilder Resolve(ConnectionRequest request, Func<string, string?> environment)
    {
        var builder = new NpgsqlConnectionStringBuilder();
        ConnectionKeyword.SetDefault(builder, "user", request.UserName, "-Credential");
        ConnectionKeyword.SetDefault(builder, "password", request.Password, "-Credential");

        var service = environment("PGSERVICE");
        if (request.ConnectionString is { } connectionString)
        {
            service = AddConnectionString(builder, connectionString, "the connection string") ?? service;
        }
        else if (EtlProfiles.Find(request, environment) is { } profile)
        {
            service = AddProfile(builder, profile, environment) ?? service;
        }

        if (!string.IsNullOrEmpty(service))
        {
            foreach (var (keyword, value) in ServiceFile.Read(service, environment))
            {
                if (ConnectionKeyword.IsKnown(keyword))
                {
                    ConnectionKeyword.SetDefault(builder, keyword, value, $"service {service}");
                }
            }
        }

        foreach (var (keyword, variable) in ConnectionKeyword.EnvironmentVariables)
        {
            ConnectionKeyword.SetDefault(builder, keyword, environment(variable), variable);
        }

        AddDefaults(builder);
        CheckRootCertificate(builder);
        return builder;
    }

    /// <summary>False for this machine itself: a loopback address or a unix socket.</summary>
    public static bool IsRemote(string hosts) => hosts.Split(',').Any(host => !IsLocal(host.Trim()));

    private static bool IsLocal(string host)
    {
        if (host.StartsWith('/') || host.StartsWith('@'))
        {
            return true;
        }

        var name = IPEndPoint.TryParse(host, out var address) ? address.Address.ToString() : host.Split(':')[0];
        return string.Equals(name, "localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var ip) && IPAddress.IsLoopback(ip));
    }

    private static string? AddProfile(NpgsqlConnectionStringBuilder builder, EtlProfile profile, Func<string, string?> environment)
    {
        var origin = $"profile {profile.Name}";
        string? service = null;
        foreach (var (keyword, value) in profile.Connection)
        {
            if (keyword == "service")
            {
                service = value;
            }
            else if (keyword == "connection")
            {
                service = AddConnectionString(builder, value, origin) ?? service;
            }
            else
            {
                ConnectionKeyword.SetDefault(builder, keyword, value, origin);
            }
        }

        if (profile.PasswordVariable is { } variable && !ConnectionKeyword.IsSet(builder, "password"))
        {
            var password = environment(variable);
            if (string.IsNullOrEmpty(password))
            {
                throw new EtlException(
                    EtlErrorKind.Configuration,
                    "PasswordVariableEmpty",
                    $"The environment variable {variable}, which profile {profile.Name} names for the password, is not set.",
                    profile.Name,
                    $"Set {variable}, or use -Credential.");
            }

            ConnectionKeyword.SetDefault(builder, "password", password, variable);
        }

        return service;
    }

    /// <returns>The service that the string names, if any.</returns>
    private static string? AddConnectionString(NpgsqlConnectionStringBuilder builder, string text, string origin)
    {
        if (ConnectionUri.IsUri(text))
        {
            var settings = ConnectionUri.Parse(text);
            foreach (var (keyword, value) in settings.Where(setting => setting.Key != "service"))
            {
                ConnectionKeyword.SetDefault(builder, keyword, value, origin);
            }

            return settings.GetValueOrDefault("service");
        }

        string? service = null;
        foreach (var (keyword, value) in SplitKeywords(text, origin))
        {
            if (string.Equals(keyword, "service", StringComparison.OrdinalIgnoreCase))
            {
                service = value;
                continue;
            }

            // Through a builder of its own: it knows all synonyms of a keyword, and must not overwrite what is set.
            var one = new NpgsqlConnectionStringBuilder();
            try
            {
                one[keyword] = value;
            }
            catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or OverflowException)
            {
                // Neither the value nor the driver's words: what stands there may be a part of the password.
                throw InvalidString(
                    origin,
                    IsKeyword(keyword)
                        ? $"the value of '{keyword}' is not one it can have"
                        : $"the keyword '{keyword}' is not known");
            }

            var name = one.Keys.Single();
            if (!builder.Keys.Contains(name))
            {
                builder[name] = one[name];
            }
        }

        return service;
    }

    private static bool IsKeyword(string keyword)
    {
        try
        {
            _ = new NpgsqlConnectionStringBuilder()[keyword];
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> SplitKeywords(string text, string origin)
    {
        var parts = new DbConnectionStringBuilder();
        try
        {
            parts.ConnectionString = text;
        }
        catch (ArgumentException)
        {
            throw InvalidString(origin, "it is not a list of Keyword=Value pairs");
        }

        foreach (string keyword in parts.Keys)
        {
            var value = (string)parts[keyword];
            if (value.Contains('=', StringComparison.Ordinal) && keyword.ToLowerInvariant() is "host" or "port" or "user" or "database" or "dbname")
            {
                throw InvalidString(origin, $"the value of '{keyword}' holds an equals sign; pairs are separated by a semicolon");
            }

            yield return KeyValuePair.Create(keyword, value);
        }
    }

    private static void AddDefaults(NpgsqlConnectionStringBuilder builder)
    {
        ConnectionKeyword.SetDefault(builder, "host", "localhost", "default");
        ConnectionKeyword.SetDefault(builder, "port", "5432", "default");
        ConnectionKeyword.SetDefault(builder, "user", Environment.UserName, "default");
        ConnectionKeyword.SetDefault(builder, "dbname", builder.Username, "default");
        ConnectionKeyword.SetDefault(builder, "application_name", "EtlTools", "default");
        ConnectionKeyword.SetDefault(builder, "connect_timeout", "15", "default");

        // Patient data crosses the wire: nobody gets a weaker connection to another host without asking for it by name.
        if (!ConnectionKeyword.IsSet(builder, "sslmode"))
        {
            builder.SslMode = IsRemote(builder.Host!) ? SslMode.VerifyFull : SslMode.Prefer;
        }

        // The driver would load the Kerberos library for it, and write to standard error where there is none.
        if (!ConnectionKeyword.IsSet(builder, "gssencmode"))
        {
            builder.GssEncryptionMode = GssEncryptionMode.Disable;
        }

        SetUnlessSaid(builder, "Maximum Pool Size", 32);
        SetUnlessSaid(builder, "Command Timeout", 0);
        SetUnlessSaid(builder, "Cancellation Timeout", 1000);

        // A load can wait for its source for minutes; firewalls forget connections that are silent for long.
        SetUnlessSaid(builder, "Keepalive", 30);
        SetUnlessSaid(builder, "TCP Keepalive", true);
        SetUnlessSaid(builder, "TCP Keepalive Time", 30);
        SetUnlessSaid(builder, "TCP Keepalive Interval", 10);

        builder.Timezone = "UTC";
        builder.ClientEncoding = "UTF8";
        builder.Enlist = false;
        builder.Multiplexing = false;

        // Both would let values into exceptions and logs.
        builder.IncludeErrorDetail = false;
        builder.LogParameters = false;
        builder.PersistSecurityInfo = false;
    }

    /// <summary>The driver takes a file that is not there for a server that cannot be trusted.</summary>
    private static void CheckRootCertificate(NpgsqlConnectionStringBuilder builder)
    {
        if (builder.RootCertificate is { Length: > 0 } file
            && builder.SslMode is (SslMode.VerifyCA or SslMode.VerifyFull)
            && !File.Exists(file))
        {
            throw new EtlException(
                EtlErrorKind.Configuration,
                "ConnectionFileUnreadable",
                $"The root certificate {file} is not there.",
                file,
                "Correct Root Certificate (root_certificate in a profile, PGSSLROOTCERT), or leave it out to use this machine's own authorities.");
        }
    }

    private static void SetUnlessSaid(NpgsqlConnectionStringBuilder builder, string keyword, object value)
    {
        if (!builder.Keys.Contains(keyword))
        {
            builder[keyword] = value;
        }
    }

    private static EtlException InvalidString(string origin, string fault) => new(
        EtlErrorKind.InvalidInput,
        "ConnectionStringInvalid",
        $"{char.ToUpperInvariant(origin[0])}{origin[1..]} cannot be read: {fault}.",
        origin,
        "Write Host=...;Port=5432;Database=...;Username=... or postgresql://user@host:port/database.");
}
