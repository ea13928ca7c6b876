using EtlTools.Core.Tables.Sources;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Configuration;

/// <summary>Reads the sources of tables of etl.yaml.</summary>
internal static class TableSourceReader
{
    private static readonly Dictionary<string, SourceTls> TlsModes = new(StringComparer.Ordinal)
    {
        ["verify"] = SourceTls.Verify,
        ["encrypt"] = SourceTls.Encrypt,
        ["prefer"] = SourceTls.Prefer,
        ["off"] = SourceTls.Off,
    };

    public static IReadOnlyList<TableSource> Read(ConfigSection section, ConfigMistakes mistakes)
    {
        var sources = new List<TableSource>();
        foreach (var entry in section.Map.Entries)
        {
            if (entry.Value is ConfigMap map)
            {
                sources.Add(ReadSource(entry.Key, new ConfigSection(map, $"source {entry.Key.Value}", mistakes), mistakes));
            }
            else
            {
                mistakes.Add(entry.Key, $"source {entry.Key.Value} has no settings", "host, database, username, ...");
            }
        }

        return sources;
    }

    private static TableSource ReadSource(ConfigScalar name, ConfigSection section, ConfigMistakes mistakes)
    {
        var folder = ConfigLibrary.FolderOf(section.Map.Path);
        if (section.Map.Find("password") is { } password)
        {
            section.Node("password");
            mistakes.Add(password.Key, $"{name.Value} holds a password", "password_env: NAME of an environment variable, or option_file: PATH");
        }

        var optionFile = PathOf("option_file");
        var host = section.Text("host");
        if (host is null && optionFile is null)
        {
            mistakes.Add(section.Map, $"source {name.Value} has no host", "host: NAME, or option_file: PATH of a file of the client's");
        }

        var standard = new TableSyncSettings();
        var source = new TableSource
        {
            Connection = new SourceConnection
            {
                Name = name.Value,
                Host = host,
                Port = section.Node("port") is null ? null : section.Integer("port", SourceConnection.DefaultPort, 1, 65535),
                Database = section.RequiredText("database", "the name of the database"),
                UserName = section.Text("username"),
                OptionFile = optionFile,
                Client = section.Text("client", "the client program, such as mariadb"),
                Tls = section.Choice("tls", TlsModes, SourceTls.Default),
                CertificateFile = PathOf("ca_file"),
                TimeZone = section.Text("time_zone", "a zone such as +12:00 or Pacific/Auckland"),
            },
            PasswordVariable = section.Text("password_env", "the name of an environment variable"),
            TablesFile = PathOf("tables"),
            Settings = standard with
            {
                Schema = section.Text("schema", "the schema of the copies") ?? standard.Schema,
                HistoryRetention = section.Node("history") is null ? standard.HistoryRetention : ReadHistory(section),
                Overlap = section.Time("overlap", standard.Overlap),
            },
        };
        section.RejectUnknownKeys();
        return source;

        string? PathOf(string key) => section.Text(key, "a path") is { Length: > 0 } path ? Path.GetFullPath(path, folder) : null;
    }

    /// <summary>off keeps none.</summary>
    private static TimeSpan ReadHistory(ConfigSection section) =>
        section.Scalar("history")?.Value is "off" or "0" ? TimeSpan.Zero : section.Time("history", new TableSyncSettings().HistoryRetention);
}
