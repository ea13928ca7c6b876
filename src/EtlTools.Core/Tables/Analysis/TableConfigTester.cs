using EtlTools.Core.Configuration;
using EtlTools.Core.Tables.Configuration;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>Validates a table configuration: its form, and whether it fits the source as it is now. It reads the catalogue only.</summary>
public sealed class TableConfigTester
{
    private readonly ISourceDatabase _source;

    public TableConfigTester(SourceConnection source)
        : this(new ClientDatabase(source))
    {
    }

    internal TableConfigTester(ISourceDatabase source) => _source = source;

    /// <param name="path">A table configuration of any generation.</param>
    /// <param name="cancellationToken">Ends the session.</param>
    /// <exception cref="EtlException">TableConfigNotFound, SourceUnreachable, SourceAuthenticationFailed, ... What is wrong with the file is in the result.</exception>
    public async Task<TableConfigTest> TestAsync(string path, CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(path);
        var yaml = TableConfigReader.ReadText(full);
        await using var session = await _source.OpenAsync(cancellationToken).ConfigureAwait(false);
        var tables = (await SourceCatalogue.ReadAsync(session, [], cancellationToken).ConfigureAwait(false)).ToList();
        var mistakes = new ConfigMistakes();
        var root = ConfigDocument.Parse(yaml, full, mistakes);
        var config = root is null ? null : TableConfigReader.Read(root, full, mistakes);
        var faults = mistakes.All.Select(OfForm).ToList();
        if (config is not null)
        {
            faults.AddRange(config.Ignored.Select(ignored => OfIgnored(ignored, full)));
            faults.AddRange(new ConfiguredTables(config, tables, full).FindFaults());
        }

        return new TableConfigTest
        {
            Path = full,
            Source = _source.Connection.Name,
            Tables = config?.Tables.Count ?? 0,
            SourceTables = tables.Count(table => table.Engine.Length > 0),
            Fault = [.. faults.OrderBy(fault => fault.Line ?? int.MaxValue).ThenBy(fault => fault.Name, StringComparer.Ordinal).ThenBy(fault => fault.Code, StringComparer.Ordinal)],
        };
    }

    private static TableConfigFault OfForm(ConfigMistake mistake) => new()
    {
        Code = "SettingInvalid",
        Severity = TableConfigSeverity.Error,
        Path = mistake.Path,
        Line = mistake.Line,
        Problem = mistake.Message,
        Expected = mistake.Expected,
        Fix = mistake.Suggestion is { } meant ? $"Did you mean '{meant}'?" : $"Write {mistake.Expected}.",
    };

    // FILE:LINE: NAME, and the file's name may hold colons.
    private static TableConfigFault OfIgnored(string ignored, string path)
    {
        var rest = ignored[(path.Length + 1)..].Split(": ", 2);
        return new TableConfigFault
        {
            Code = "SettingIgnored",
            Severity = TableConfigSeverity.Warning,
            Path = path,
            Line = int.TryParse(rest[0], out var line) ? line : null,
            Setting = rest[^1],
            Problem = $"The setting {rest[^1]} of an older kind of file says nothing to EtlTools",
            Expected = "settings that EtlTools knows",
            Fix = "Write the file anew with New-TableConfig, which keeps what it knows.",
        };
    }
}
