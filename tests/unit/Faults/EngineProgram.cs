using System.Globalization;
using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Recovery.Engine;
using EtlTools.Core.Recovery.Payloads;
using EtlTools.Core.Reprocessing;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Tables;

namespace EtlTools.Tests.Faults;

/// <summary>
/// The engine as a process of its own, to be killed: this assembly, started again. It works on a workshop's database and
/// folder, and can do whatever the engine can.
/// </summary>
internal static class EngineProgram
{
    public const string Done = "done";

    /// <summary>Command, connection string, folder, and what the command needs.</summary>
    public static async Task<int> Main(string[] args)
    {
        var (command, rest) = (args[0], args[3..]);
        await using var database = EtlDatabase.Connect(new ConnectionRequest { ConnectionString = args[1] });
        try
        {
            await (command switch
            {
                "recover" => RecoverAsync(database),
                "sync" => KilledSyncTests.SyncAsync(database, rest),
                "write-table-config" => TableConfigFileTests.WriteNextAsync(rest[0]),
                "undo-sync" => KilledSyncTests.UndoAsync(database, rest),
                _ => RunAsync(command, database, EngineWorkshop.Describe(args[2]), rest),
            });
        }
        catch (EtlException error)
        {
            Console.WriteLine(error.ErrorId);
            return 2;
        }

        Console.WriteLine(Done);
        return 0;
    }

    private static Task RunAsync(string command, EtlDatabase database, PipelineConfig pipeline, string[] rest) => command switch
    {
        "initialise" => new SchemaManager(database).ApplyAsync(pipeline, progress: null, CancellationToken.None),
        "load" => LoadAsync(database, pipeline, rest),
        "reprocess" => ReprocessAsync(database, pipeline, rest),
        "undo" => new ReprocessEngine(database, pipeline).UndoAsync([Guid.Parse(rest[0])], EngineWorkshop.Reason, CancellationToken.None),
        "repair" => new RowRepair(database, pipeline).RepairAsync(
            [new RowCorrection { RejectedRowId = Number<long>(rest[0]), Values = new Dictionary<string, string?> { [rest[1]] = rest[2] } }],
            EngineWorkshop.Reason,
            preview: false,
            CancellationToken.None),
        _ => throw new ArgumentException($"No command {command}.", nameof(command)),
    };

    private static Task RecoverAsync(EtlDatabase database) =>
        new RecoveryEngine(database, MetricMapReader.ReadBuiltIn()).ExecuteAsync(new RecoveryOptions(), progress: null, CancellationToken.None);

    /// <summary>Nothing more, or "sealing".</summary>
    private static async Task LoadAsync(EtlDatabase database, PipelineConfig pipeline, string[] rest)
    {
        var plan = await new FileDiscovery(database, pipeline).GetPlanAsync(
            new FileFilter(), TimeSpan.FromDays(30), [], 100, onUnrecognised: null, CancellationToken.None);

        // Two processes that are to meet on one plan wait for each other here.
        Console.WriteLine("planned");
        if (Environment.GetEnvironmentVariable("ETL_TEST_START") is { Length: > 0 } signal)
        {
            while (!File.Exists(signal))
            {
                await Task.Delay(5);
            }
        }

        await new LoadEngine(database, pipeline) { SegmentLimits = Limits(rest) }.LoadAsync(
            plan, new LoadOptions { MaxConcurrency = 1 }, progress: null, CancellationToken.None);
    }

    /// <summary>File; soft, hard or staging; and perhaps "sealing".</summary>
    private static Task ReprocessAsync(EtlDatabase database, PipelineConfig pipeline, string[] rest) =>
        new ReprocessEngine(database, pipeline) { SegmentLimits = Limits(rest) }.ExecuteAsync(
            new ReprocessTarget { LoadRunFileIds = [Number<int>(rest[0])] },
            new ReprocessOptions { Reason = EngineWorkshop.Reason, HardDelete = rest[1] == "hard", SkipRaw = rest[1] == "staging" },
            progress: null,
            CancellationToken.None);

    private static SegmentLimits Limits(string[] rest) => rest.Contains("sealing") ? EngineWorkshop.AlwaysSeal : new SegmentLimits();

    private static T Number<T>(string text)
        where T : IParsable<T> => T.Parse(text, CultureInfo.InvariantCulture);
}
