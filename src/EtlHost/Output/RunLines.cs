using EtlTools.Core.Runs;

namespace EtlTools.Host.Output;

internal static class RunLines
{
    public static void Write(LoadRun run) => Line.Write(
        ("run", run.LoadRunId),
        ("status", run.Status),
        ("kind", run.Kind),
        ("files", run.FilesProcessed),
        ("failed", run.FilesFailed),
        ("rows", run.RowsIngested),
        ("rejected", run.RowsRejected),
        ("read", run.RowsRead),
        ("seconds", run.Duration),
        ("started", run.StartedAt),
        ("problem", run.Problem.Count > 0 ? string.Join(',', run.Problem) : null),
        ("error", run.ErrorCode));
}
