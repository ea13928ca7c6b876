namespace EtlTools.Core.Tables.Configuration;

public enum TableConfigChangeKind
{
    /// <summary>A table, or a setting, that was not there.</summary>
    Added,
    Changed,

    /// <summary>The source no longer has the table, or the analysis no longer says it.</summary>
    Removed,

    /// <summary>Edited by hand, and left as it is.</summary>
    Kept,

    /// <summary>Edited by hand, and the analysis has come to say something else.</summary>
    Conflict,
}

/// <summary>What becomes of a table, or one of its settings, when a source is analysed again.</summary>
public sealed record TableConfigChange
{
    public required string Name { get; init; }

    /// <summary>Such as monitoring.overdue_after; null where it is about the table as a whole.</summary>
    public string? Setting { get; init; }

    public required TableConfigChangeKind Kind { get; init; }

    /// <summary>What the file says.</summary>
    public string? Current { get; init; }

    /// <summary>What the analysis says.</summary>
    public string? Analyzed { get; init; }

    /// <summary>Of the file as it was; null where it does not stand there.</summary>
    public int? Line { get; init; }

    public override string ToString() => Setting is null ? $"{Name}: {Kind}" : $"{Name}.{Setting}: {Kind}";
}

/// <summary>Which side is taken where both have changed.</summary>
public enum TableConfigPreference
{
    /// <summary>What was edited by hand.</summary>
    File,

    /// <summary>What the analysis says.</summary>
    Analysis,
}
