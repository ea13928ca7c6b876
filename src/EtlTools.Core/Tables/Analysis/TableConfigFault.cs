using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Core.Tables.Analysis;

public enum TableConfigSeverity
{
    /// <summary>A sync would do it all the same, and perhaps not as it was meant.</summary>
    Warning,

    /// <summary>A sync would refuse it.</summary>
    Error,
}

/// <summary>One thing that is wrong with a table configuration, with its place and what to do.</summary>
public sealed record TableConfigFault
{
    /// <summary>A stable id in PascalCase.</summary>
    public required string Code { get; init; }

    public required TableConfigSeverity Severity { get; init; }

    /// <summary>The table; null where it is about the file.</summary>
    public string? Name { get; init; }

    public string? Setting { get; init; }

    public required string Path { get; init; }

    /// <summary>1-based; null where the file has no such line.</summary>
    public int? Line { get; init; }

    public required string Problem { get; init; }

    public required string Expected { get; init; }

    public required string Fix { get; init; }

    /// <param name="table">The table, which knows where it stands.</param>
    /// <param name="setting">Null where it is about the table as a whole.</param>
    /// <param name="value">What of the setting; null: all of it.</param>
    /// <param name="severity">How bad it is.</param>
    /// <param name="code">A stable id.</param>
    /// <param name="problem">What is wrong, without a full stop.</param>
    /// <param name="expected">What would be right.</param>
    /// <param name="fix">What to do.</param>
    internal static TableConfigFault Of(
        TableConfig table, string? setting, string? value, TableConfigSeverity severity, string code, string problem, string expected, string fix) => new()
    {
        Code = code,
        Severity = severity,
        Name = table.Name,
        Setting = setting,
        Path = table.Entry?.Key.Path ?? "",
        Line = SettingLines.Find(table, setting, value),
        Problem = problem,
        Expected = expected,
        Fix = fix,
    };

    public override string ToString() =>
        $"{Severity}{(Line is null ? "" : $" in line {Line}")}{(Name is null ? "" : $", table {Name}")}: {Problem}. {Fix}";
}

/// <summary>What is to be said of a table configuration.</summary>
public sealed record TableConfigTest
{
    public required string Path { get; init; }

    public required string Source { get; init; }

    /// <summary>No fault is an error.</summary>
    public bool IsValid => Errors == 0;

    public int Tables { get; init; }

    /// <summary>Tables that the source has, without views.</summary>
    public int SourceTables { get; init; }

    public int Errors => Fault.Count(fault => fault.Severity == TableConfigSeverity.Error);

    public int Warnings => Fault.Count(fault => fault.Severity == TableConfigSeverity.Warning);

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<TableConfigFault> Fault { get; init; } = [];
}
