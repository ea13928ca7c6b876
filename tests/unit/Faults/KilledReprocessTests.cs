using EtlTools.Core;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>
/// A reprocessing, undoing or repairing process, killed at every step: before its commit nothing has changed, after it
/// everything has, and the same command can be given again.
/// </summary>
public sealed class KilledReprocessTests
{
    [PostgresTheory]
    [MemberData(nameof(CrashPoints.File), MemberType = typeof(CrashPoints))]
    public Task Reprocessing(string crashPoint, int leftBehind) => ReprocessAsync("soft", crashPoint, leftBehind);

    [PostgresTheory]
    [MemberData(nameof(CrashPoints.File), MemberType = typeof(CrashPoints))]
    public Task Reprocessing_with_a_hard_delete(string crashPoint, int leftBehind) => ReprocessAsync("hard", crashPoint, leftBehind);

    [PostgresTheory]
    [MemberData(nameof(CrashPoints.Sealing), MemberType = typeof(CrashPoints))]
    public async Task Sealing_before_a_look_back(string crashPoint)
    {
        await using var work = await EngineWorkshop.OpenSealingAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await work.LoadAsync();
        work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,");
        await work.LoadAsync();
        work.WritePersons(2, "b", "1,A,Ann3,,,");
        var file = await work.FileIdAsync("_b");
        await EngineProcess.KillAsync(work, crashPoint, "reprocess", $"{file}", "soft", "sealing");
        Assert.Equal("Bob2", await work.NameOfAsync(2));

        Assert.Equal("Completed", Assert.Single(await work.ReprocessAsync(file)).Status);
        Assert.Equal("Bob", await work.NameOfAsync(2));
        await AssertDiedAsync(work, 1);
        await Truth.AssertWholeAsync(work);
        await Segments.AssertIndexedAsync(work);
    }

    [PostgresFact]
    public async Task Reprocessing_staging_only()
    {
        await using var work = await OpenAsync();
        var before = await Truth.SnapshotAsync(work);
        var file = await work.FileIdAsync("_b");
        await EngineProcess.KillAsync(work, CrashPoints.Restaging, "reprocess", $"{file}", "staging");
        Assert.Equal(before, await Truth.SnapshotAsync(work));

        var receipt = Assert.Single(await work.ReprocessAsync(file, options => options with { SkipRaw = true }));
        Assert.Equal("Completed", receipt.Status);
        await AssertDiedAsync(work, 1);
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    [PostgresTheory]
    [MemberData(nameof(CrashPoints.Undo), MemberType = typeof(CrashPoints))]
    public async Task Undoing(string crashPoint)
    {
        await using var work = await OpenAsync();
        var original = await StagingAsync(work);
        work.WritePersons(2, "b", "1,A,Ann3,,,", "5,A,Eve3,,,");
        var receipt = (await work.ReprocessAsync(await work.FileIdAsync("_b"))).Single().ReceiptId!.Value;
        var reprocessed = await StagingAsync(work);
        await EngineProcess.KillAsync(work, crashPoint, "undo", receipt.ToString());

        var isUndone = crashPoint != "undo.before-commit";
        Assert.Equal(isUndone ? original : reprocessed, await StagingAsync(work));
        await Truth.AssertStagingAsync(work);

        // A load, to close the dead run. It finds nothing new: what was undone is known, and stays undone.
        Assert.Empty(await work.PlanAsync());
        await work.LoadAsync();
        await AssertDiedAsync(work, 1);
        if (isUndone)
        {
            var error = await Assert.ThrowsAsync<EtlException>(() => UndoAsync(work, receipt));
            Assert.Equal("UndoConflict", error.ErrorId);
        }
        else
        {
            await UndoAsync(work, receipt);
        }

        Assert.Equal(original, await StagingAsync(work));
        await Truth.AssertConsistentAsync(work);
    }

    [PostgresFact]
    public async Task Repairing()
    {
        await using var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,,1980-01-01,,", "2,A,Bob,,,");
        await work.LoadAsync();
        var row = await work.Database.ScalarAsync<long>("SELECT rejected_row_id FROM etl.rejected_rows");
        var before = await Truth.SnapshotAsync(work);
        await EngineProcess.KillAsync(work, CrashPoints.Repair, "repair", $"{row}", "name", "Ann");
        Assert.Equal(before, await Truth.SnapshotAsync(work));

        await RepairAsync(work, row);
        Assert.Equal("Ann", await work.NameOfAsync(1));
        var error = await Assert.ThrowsAsync<EtlException>(() => RepairAsync(work, row));
        Assert.Equal("RejectedRowClosed", error.ErrorId);
        await AssertDiedAsync(work, 0);
        await Truth.AssertConsistentAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    private static async Task ReprocessAsync(string how, string crashPoint, int leftBehind)
    {
        await using var work = await OpenAsync();
        var before = await StagingAsync(work);

        // Ann2 stays, Bob2 falls back to Bob, Dan2 vanishes, Eve3 is new.
        work.WritePersons(2, "b", "1,A,Ann2,,,", "3,A,Cyd3,,,", "5,A,Eve3,,,");
        var file = await work.FileIdAsync("_b");
        await EngineProcess.KillAsync(work, crashPoint, "reprocess", $"{file}", how);

        await Truth.AssertStagingAsync(work);
        Assert.Equal(leftBehind == 1, before == await StagingAsync(work));
        Assert.Equal(1 - leftBehind, await work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.reprocess_receipts WHERE kind <> 'load'"));

        var receipt = Assert.Single(await work.ReprocessAsync(file, options => options with { HardDelete = how == "hard" }));
        Assert.Equal("Completed", receipt.Status);
        Assert.Equal(leftBehind, await work.Database.ScalarAsync<long>(
            "SELECT count(*) FROM etl.load_run_files WHERE status = 'failed' AND error_code = 'OwnerDied'"));
        await AssertDiedAsync(work, 1);
        await Truth.AssertWholeAsync(work);
        await Truth.AssertNothingLeftToDoAsync(work);
    }

    /// <summary>Two days of persons.</summary>
    private static async Task<EngineWorkshop> OpenAsync()
    {
        var work = await EngineWorkshop.OpenAsync();
        work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,", "3,A,Cyd2,,,", "4,A,Dan2,,,");
        await work.LoadAsync(new LoadOptions { MaxConcurrency = 1 });
        return work;
    }

    private static Task UndoAsync(EngineWorkshop work, Guid receipt) =>
        work.Reprocessor.UndoAsync([receipt], EngineWorkshop.Reason, CancellationToken.None);

    private static Task RepairAsync(EngineWorkshop work, long row) => work.Repair.RepairAsync(
        [new RowCorrection { RejectedRowId = row, Values = new Dictionary<string, string?> { ["name"] = "Ann" } }],
        EngineWorkshop.Reason,
        preview: false,
        CancellationToken.None);

    private static async Task AssertDiedAsync(EngineWorkshop work, int runs) =>
        Assert.Equal(runs, await work.Database.ScalarAsync<long>(
            "SELECT count(*) FROM etl.load_runs WHERE status = 'failed' AND error_code = 'RunDied'"));

    private static async Task<string> StagingAsync(EngineWorkshop work) => string.Join("\n", await work.Database.QueryAsync<string>(
        "SELECT concat_ws('|', person_id, practice_id, name, load_run_file_id) FROM stg.persons ORDER BY 1"));
}
