namespace EtlTools.Host.Demo;

/// <summary>What is wrong with a sample file.</summary>
internal enum DemoFault
{
    None,

    /// <summary>Somebody opened it in a spreadsheet and saved it: UTF-8, commas, lines. No row fits.</summary>
    SavedBySpreadsheet,

    /// <summary>Two rows are a field short, one has a field too many, one holds a NUL.</summary>
    BadRows,

    /// <summary>Half the dates are written day first.</summary>
    DatesDayFirst,

    /// <summary>Two rows lack a value they must have, one has a date that no calendar knows.</summary>
    InvalidValues,

    /// <summary>The last row stops half-way.</summary>
    Truncated,

    /// <summary>The name says nothing that the pipeline understands.</summary>
    UnreadableName,
}
