using System.Management.Automation;
using EtlTools.Core.Tables.Analysis;
using EtlTools.Core.Tables.Configuration;

namespace EtlTools.Cmdlets.Commands.Tables;

[Cmdlet(VerbsCommon.New, "TableConfig", SupportsShouldProcess = true)]
[OutputType(typeof(TableConfigReport), typeof(TableConfigChange))]
public sealed class NewTableConfigCommand : EtlSourceCmdlet
{
    // So many tables are named in a warning.
    private const int MostNames = 5;

    private readonly List<string> _names = [];

    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    [ArgumentCompleter(typeof(Completion.TableNameCompleter))]
    public string[] Name { get; set; } = [];

    [Parameter]
    [ValidateSet(nameof(TableConfigPreference.File), nameof(TableConfigPreference.Analysis))]
    public string Prefer { get; set; } = nameof(TableConfigPreference.File);

    [Parameter]
    [ValidateRange(1, 64)]
    public int MaxConcurrency { get; set; } = SourceAnalyzer.DefaultMaxConcurrency;

    protected override void Process() => _names.AddRange(Name);

    protected override void End()
    {
        if (ReadsPipeline && _names.Count == 0)
        {
            return;
        }

        var path = TableConfigPath;
        var analysis = Analyze();
        var file = TableConfigFile.Merge(path, analysis, Enum.Parse<TableConfigPreference>(Prefer, ignoreCase: true));
        foreach (var unread in file.Report.Unread)
        {
            WriteWarning($"The rows of a table could not be looked at ({unread}): it is configured without incremental columns.");
        }

        if (Confirmed("Write", path, out var isPreview))
        {
            Warn(file.Report);

            // Not given up at Ctrl+C any more: the two files belong together.
            WriteObject(Await(_ => file.WriteAsync()));
        }
        else if (isPreview)
        {
            Warn(file.Report);
            WriteObject(file.Report.Change, enumerateCollection: true);
        }
    }

    private bool IsFilePreferred => string.Equals(Prefer, nameof(TableConfigPreference.File), StringComparison.OrdinalIgnoreCase);

    private SourceAnalysis Analyze()
    {
        var analyzer = new SourceAnalyzer(OpenSource());
        IReadOnlyList<string> names = [.. _names.Distinct(StringComparer.OrdinalIgnoreCase)];
        using var bar = new ProgressBar(this, "Analysing tables");
        var progress = new PostedProgress<AnalysisProgress>(report => OnPipeline(() => bar.Show(report)));
        return Await(token => analyzer.AnalyzeAsync(names, MaxConcurrency, progress, token));
    }

    private void Warn(TableConfigReport report)
    {
        if (report.OriginalPath is { } original)
        {
            WriteWarning($"{report.Path} is of an older kind, and is written anew in a form that only EtlTools reads, without its comments and what says nothing to EtlTools. "
                + $"The original is kept as {original}.");
        }

        foreach (var notice in TableNotices.OfLocking(report.LocksWriters))
        {
            WriteWarning(notice);
        }

        var gone = report.Conflict.Where(change => change.Setting is null).Select(change => change.Name).ToList();
        if (gone.Count > 0 && IsFilePreferred)
        {
            WriteWarning($"{Wording.Count(gone.Count, "table")} of the file not shown by the source, gone or not to be read by this user: "
                + $"{Wording.First(gone, MostNames)}. They are kept; -Prefer Analysis takes them out.");
        }

        var edited = report.Conflict.Count - gone.Count;
        if (edited > 0)
        {
            WriteWarning($"{Wording.Count(edited, "setting")} edited by hand, and the analysis says something else now; "
                + $"{(IsFilePreferred ? "what the file says is kept" : "the analysis is taken")}. See Conflict of the report.");
        }
    }
}
