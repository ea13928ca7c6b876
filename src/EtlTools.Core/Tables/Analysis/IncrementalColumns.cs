using System.Globalization;
using EtlTools.Core.Tables.Sources;

namespace EtlTools.Core.Tables.Analysis;

/// <summary>Which columns of a table tell that a row is new or changed, in order of trust, and why others do not.</summary>
internal sealed record IncrementalColumns
{
    public const int Most = 3;

    private const int FewestValues = 100;

    // Without case and underscores. What the application, or the server, sets at every change ...
    private static readonly string[] EditStamps = ["datetstamp", "datetimestamp", "secdatetedit", "datetedit", "updatedat", "modifiedat", "lastmodified", "lastupdated"];

    // ... and the order of trust of all, as the facts of such sources have it.
    private static readonly string[] Trust =
    [
        .. EditStamps, "secdatetentry", "datetentry", "datetimeentry", "datetimemodified", "datemodified", "datetlastmodified",
        "datelastmodified", "datetimelastmodified", "datetimecreated", "datecreated", "datetcreated", "createdat",
    ];

    private static readonly string[] LateEditStamps = ["datetimemodified", "datemodified", "datetlastmodified", "datelastmodified", "datetimelastmodified"];

    public IReadOnlyList<string> Trusted { get; private init; } = [];

    public IReadOnlyDictionary<string, string> Rejected { get; private init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The most trusted one is set by the server itself whenever a row changes.</summary>
    public bool IsServerStamp { get; private init; }

    /// <summary>One of those trusted changes when the row does.</summary>
    public bool TellsUpdates { get; private init; }

    /// <summary>The table has a column for changes, trusted or not.</summary>
    public bool HasEditStamp { get; private init; }

    /// <summary>Days without a time that look like dates of business: what a look back can go by.</summary>
    public IReadOnlyList<string> BusinessDays { get; private init; } = [];

    public bool IsRecent { get; private init; }

    /// <summary>The columns that are worth a look at their values.</summary>
    public static IReadOnlyList<SourceColumn> Candidates(SourceTable table) => [.. table.Columns.Where(column => column.IsDate)];

    public static IncrementalColumns Judge(SourceTable table, IReadOnlyDictionary<string, DateSample> samples, DateWindow window)
    {
        var trusted = new List<SourceColumn>();
        var rejected = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var column in Candidates(table).OrderBy(Rank))
        {
            if (FindFault(column, samples[column.Name], window) is { } fault)
            {
                rejected[column.Name] = fault;
            }
            else if (trusted.Count == Most)
            {
                rejected[column.Name] = string.Create(CultureInfo.InvariantCulture, $"less trusted than the first {Most}");
            }
            else
            {
                trusted.Add(column);
            }
        }

        return new IncrementalColumns
        {
            Trusted = [.. trusted.Select(column => column.Name)],
            Rejected = rejected,
            IsServerStamp = trusted is [{ TracksUpdates: true }, ..],
            TellsUpdates = trusted.Exists(IsEditStamp),
            HasEditStamp = table.Columns.Any(IsEditStamp),
            BusinessDays = [.. table.Columns.Where(column => column.DataType == "date" && samples[column.Name].Filled >= FewestValues).Select(column => column.Name).Take(Most - 1)],
            IsRecent = samples.Values.Any(sample => sample.IsRecent),
        };
    }

    private static bool IsEditStamp(SourceColumn column) =>
        column.TracksUpdates || EditStamps.Contains(Plain(column)) || LateEditStamps.Contains(Plain(column));

    /// <summary>The lower, the more trusted; columns that nobody knows come last, in their own order.</summary>
    private static int Rank(SourceColumn column)
    {
        var rank = Array.IndexOf(Trust, Plain(column));
        return column.TracksUpdates ? -1 : rank < 0 ? Trust.Length : rank;
    }

    private static string Plain(SourceColumn column) => column.Name.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    // Counts only: a date of a patient is nobody's business.
    private static string? FindFault(SourceColumn column, DateSample sample, DateWindow window) => sample switch
    {
        _ when column.DataType == "date" => "a day without a time: it does not tell rows of one day apart",
        { TooEarly: > 0 } => Text($"{sample.TooEarly} of {sample.Filled} sampled values lie before {window.Min.Year}"),
        { TooLate: > 0 } => Text($"{sample.TooLate} of {sample.Filled} sampled values lie after {window.Max.Year}"),
        { Future: > 0 } => Text($"{sample.Future} of {sample.Filled} sampled values lie in the future"),
        { Filled: < FewestValues } => Text($"{sample.Filled} of {sample.Sampled} sampled rows have a value; fewer than {FewestValues} say nothing"),
        _ => null,
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
