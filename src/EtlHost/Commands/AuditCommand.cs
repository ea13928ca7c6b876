using System.CommandLine;
using EtlTools.Core.Recovery.Audit;
using EtlTools.Core.Recovery.Ingestions;
using EtlTools.Host.Output;

namespace EtlTools.Host.Commands;

internal static class AuditCommand
{
    public static Command Create()
    {
        var options = new RecoveryOptionSet();
        var days = new Option<double?>("--days") { Description = "how far back; without it 30, or everything where ingestions are named" };
        var causes = new Option<LossCause[]>("--cause")
        {
            Description = "only what was lost by this; may be given several times",
            DefaultValueFactory = _ => [],
        };
        var first = SharedOptions.First("at most so many ingestions");
        var whole = new Option<bool>("--include-whole") { Description = "also ingestions that have lost nothing" };
        var command = new Command("audit", "Finds metrics that are in stored payloads and not in their tables.") { days, causes, first, whole };
        options.AddTo(command);
        command.SetAction(async (parsed, token) =>
        {
            await using var database = SharedOptions.OpenDatabase(parsed);
            var ids = options.Ingestions(parsed);
            var back = parsed.GetValue(days) ?? (ids.Count > 0 ? null : 30d);
            var query = new LostDataQuery
            {
                RawIngestionIds = ids,
                UserIds = options.Users(parsed),
                Status = options.Status(parsed),
                Causes = parsed.GetValue(causes)!,
                Window = back is { } number ? TimeSpan.FromDays(number) : null,
                First = parsed.GetValue(first),
                IncludeWhole = parsed.GetValue(whole),
                Schema = options.Schema(parsed),
            };
            var finder = new LostDataFinder(database, options.Map(parsed));
            if ((await finder.FindUnknownAsync(query, token).ConfigureAwait(false)).FirstOrDefault() is { } unknown)
            {
                throw unknown;
            }

            var (found, lost) = (0L, 0L);
            await foreach (var audit in finder.FindAsync(query, progress: null, token).ConfigureAwait(false))
            {
                found++;
                lost += audit.Missing;
                Write(audit);
            }

            foreach (var (table, count) in finder.Unchecked)
            {
                Line.Write(("table", table), ("unchecked", count));
            }

            Line.Write(("ingestions", found), ("missing", lost));
            return lost == 0 ? ExitCode.Ok : ExitCode.NotGood;
        });
        return command;
    }

    private static void Write(IngestionAudit audit) => Line.Write(
        ("ingestion", audit.RawIngestionId),
        ("user", audit.UserId),
        ("created", audit.CreatedAt),
        ("status", audit.Status),
        ("expected", audit.Expected),
        ("present", audit.Present),
        ("missing", audit.Missing),
        ("duplicates", audit.Duplicates),
        ("rejected", audit.Rejected),
        ("cause", audit.Cause),
        ("recoverable", audit.IsRecoverable),
        ("because", audit.NotRecoverableBecause));
}
