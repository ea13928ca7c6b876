using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sync;

namespace EtlTools.Core.Tables.Sources;

/// <summary>A source of etl.yaml: how it is reached, which of its tables are copied, and where to.</summary>
public sealed record TableSource
{
    public string Name => Connection.Name;

    public required SourceConnection Connection { get; init; }

    /// <summary>Name of the environment variable that holds the password.</summary>
    public string? PasswordVariable { get; init; }

    /// <summary>The table configuration, as an absolute path; null where none is named.</summary>
    public string? TablesFile { get; init; }

    public TableSyncSettings Settings { get; init; } = new();

    /// <summary>The connection with its password: the one given, else that of the environment.</summary>
    /// <exception cref="EtlException">PasswordVariableEmpty.</exception>
    public SourceConnection Open(string? userName = null, string? password = null)
    {
        if (userName is not null)
        {
            return (Connection with { UserName = userName }).WithPassword(password);
        }

        if (PasswordVariable is null)
        {
            return Connection;
        }

        return Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } secret
            ? Connection.WithPassword(secret)
            : throw new EtlException(
                EtlErrorKind.Configuration,
                "PasswordVariableEmpty",
                $"The environment variable {PasswordVariable}, which holds the password of source {Name}, is not set.",
                PasswordVariable,
                "Set the variable, or give a credential.");
    }

    /// <param name="path">A table configuration; null: the one that the source names.</param>
    /// <exception cref="EtlException">TableConfigMissing, TableConfigNotFound, TableConfigInvalid.</exception>
    public TableSyncConfig ReadTables(string? path = null) => (path ?? TablesFile) is { } file
        ? TableConfigReader.Read(file)
        : throw new EtlException(
            EtlErrorKind.Configuration,
            "TableConfigMissing",
            $"Source {Name} names no table configuration.",
            Name,
            "Name the file as tables of the source in etl.yaml, or give it to the command.");
}
