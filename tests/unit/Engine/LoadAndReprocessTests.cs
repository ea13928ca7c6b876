using EtlTools.Core;
using EtlTools.Core.Configuration;
using EtlTools.Core.Discovery;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Engine;

/// <summary>The main job, a step at a time: load, reject, reprocess, preview, undo, repair.</summary>
public sealed class LoadAndReprocessTests : IAsyncLifetime
{
    private EngineWorkshop _work = null!;

    public async Task InitializeAsync() => _work = PostgresServer.SkipReason is null ? await EngineWorkshop.OpenAsync() : null!;

    public async Task DisposeAsync()
    {
        if (_work is not null)
        {
            await _work.DisposeAsync();
        }
    }

    [PostgresFact]
    public async Task Values_reach_raw_verbatim_and_staging_typed()
    {
        _work.WritePersons(1, "a", "0007,A,  Ann ,1980-02-29,1.50,yes", "8,A,Bob,,,");
        var run = await _work.LoadAsync();

        Assert.Equal(LoadRunStatus.Completed, run.Status);
        Assert.Equal(2, run.RowsIngested);
        Assert.Equal("0007|  Ann |1.50|yes|1", await _work.Database.ScalarAsync<string>(
            "SELECT concat_ws('|', person_id, name, amount, active, load_row_number) FROM raw.persons WHERE load_row_number = 1"));
        Assert.Equal("7|Ann|1980-02-29|1.50|t", await _work.Database.ScalarAsync<string>(
            "SELECT concat_ws('|', person_id, name, born, amount, active) FROM stg.persons WHERE person_id = 7"));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task A_file_is_finished_when_its_rows_are_in_and_not_when_they_began_to_come()
    {
        await _work.Database.ExecuteAsync("""
            CREATE FUNCTION stg.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
            CREATE TRIGGER wait AFTER INSERT ON stg.persons FOR EACH STATEMENT EXECUTE FUNCTION stg.wait()
            """);
        _work.WritePersons(1, "a", "1,A,Ann,,,");
        await _work.LoadAsync();

        Assert.True(await _work.Database.ScalarAsync<bool>(
            "SELECT least(finished_at, staged_at) >= started_at + interval '0.3 s' FROM etl.load_run_files"));
    }

    [PostgresFact]
    public async Task The_newest_extract_wins_whatever_the_order_of_loading()
    {
        _work.WritePersons(2, "new", "1,A,Newer,,,");
        await _work.LoadAsync();
        _work.WritePersons(1, "old", "1,A,Older,,,", "2,A,Only,,,");
        await _work.LoadAsync();

        Assert.Equal("Newer", await _work.NameOfAsync(1));
        Assert.Equal("Only", await _work.NameOfAsync(2));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task A_corrected_file_without_a_date_in_its_name_is_as_old_as_what_it_corrects()
    {
        _work.Pipeline = _work.Pipeline with { FileName = new FileNameConfig { Pattern = @"^(?<extract_type>[A-Za-z]+)_\w+$" } };
        const string Header = "person_id,practice_id,name,born,amount,active";
        _work.Write("Person_monday", Header, "1,A,Monday,,,");
        await _work.LoadAsync();
        _work.Write("Person_tuesday", Header, "1,A,Tuesday,,,");
        await _work.LoadAsync();

        _work.Write("Person_monday", Header, "1,A,Corrected,,,", "2,A,Forgotten,,,");
        var receipt = Assert.Single(await _work.ReprocessAsync(await _work.FileIdAsync("monday")));

        Assert.Equal((1L, 0L), (receipt.Staging!.Inserted, receipt.Staging.Changed));
        Assert.Equal(("Tuesday", "Forgotten"), (await _work.NameOfAsync(1), await _work.NameOfAsync(2)));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task What_was_undone_does_not_come_back_as_the_failed_file_that_it_was()
    {
        _work.WritePersons(1, "a", "1,A", "2,A");
        await _work.LoadAsync();
        _work.WritePersons(1, "a", "1,A,Ann,,,");
        var receipt = Assert.Single(await _work.ReprocessAsync(await _work.FileIdAsync("_a")));
        Assert.Equal("Completed", receipt.Status);
        await _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default);

        Assert.Empty(await _work.PlanAsync());
        await foreach (var failed in _work.Discovery.FindFailedAsync(new FileFilter(), TimeSpan.FromDays(30), default))
        {
            Assert.Fail($"File {failed.LoadRunFileId} came back.");
        }

        var waiting = await _work.Discovery.GetWaitingAsync(new FileFilter(), TimeSpan.FromDays(30), default);
        Assert.Equal((0, 1), (waiting.FailedCount, waiting.WithdrawnLoadRunFileIds.Count));
    }

    [PostgresFact]
    public async Task An_invalid_row_is_rejected_with_every_reason_and_its_key_keeps_the_valid_version()
    {
        _work.WritePersons(1, "a", "1,A,Ann,1980-01-01,1,1");
        await _work.LoadAsync();
        _work.WritePersons(2, "b", "1,A,,1980-02-30,12345678,maybe", "2,A,Bob,,,");
        var run = await _work.LoadAsync();

        Assert.Equal(1, run.RowsRejected);
        Assert.Equal("Ann", await _work.NameOfAsync(1));
        Assert.Equal(
            ["active:invalid_boolean", "amount:invalid_number", "born:invalid_date", "name:missing"],
            (await _work.Database.QueryAsync<string>("SELECT unnest(reasons) FROM etl.rejected_rows ORDER BY 1")).ToArray());
    }

    [PostgresFact]
    public async Task A_key_twice_in_a_file_takes_its_last_valid_row()
    {
        _work.WritePersons(1, "a", "1,A,First,,,", "1,A,Last,,,", "1,A,,,,", "2,A,Other,,,");
        await _work.LoadAsync();

        Assert.Equal("Last", await _work.NameOfAsync(1));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task Loading_again_is_a_no_op()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,");
        var plan = await _work.PlanAsync();
        await _work.Loader.LoadAsync(plan, new LoadOptions(), null, default);
        await _work.Loader.LoadAsync(plan, new LoadOptions(), null, default);

        Assert.Empty(await _work.PlanAsync());
        Assert.Equal(1, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.persons"));
        Assert.Equal(1, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.load_run_files"));
    }

    [PostgresFact]
    public async Task Reprocessing_replaces_withdraws_and_restores_and_undo_brings_all_back()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        _work.WritePersons(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,", "3,A,Cyd2,,,", "4,A,Dan2,,,");
        await _work.LoadAsync();
        var before = await SnapshotAsync();
        var file = await _work.FileIdAsync("_b");

        // Ann2 stays, Bob2 vanishes and falls back to Bob, Cyd2 changes, Dan2 vanishes for good, Eve2 is new.
        _work.WritePersons(2, "b", "1,A,Ann2,,,", "3,A,Cyd3,,,", "5,A,Eve2,,,");
        var preview = await _work.Reprocessor.PreviewAsync(
            new ReprocessTarget { LoadRunFileIds = [file] }, new ReprocessOptions { Reason = EngineWorkshop.Reason }, null, default);
        Assert.Equal(before, await SnapshotAsync());

        var receipt = Assert.Single(await _work.ReprocessAsync(file));
        Assert.Equal("Completed", receipt.Status);
        Assert.Equal((1L, 1L, 1L, 1L, 1L), (
            receipt.Staging!.Inserted, receipt.Staging.Changed, receipt.Staging.Withdrawn, receipt.Staging.Restored, receipt.Staging.Unchanged));
        Assert.Equal(receipt.Staging, Assert.Single(preview.Staging));
        Assert.Equal("Bob", await _work.NameOfAsync(2));
        Assert.Null(await _work.NameOfAsync(4));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
        Assert.Equal(4, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.persons_history WHERE is_superseded"));

        await _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default);
        Assert.Equal(before, await SnapshotAsync());
        Assert.True((await _work.IntegrityAsync()).IsIntact);

        var twice = await Assert.ThrowsAsync<EtlException>(() =>
            _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default));
        Assert.Equal("UndoConflict", twice.ErrorId);
    }

    [PostgresFact]
    public async Task Undo_leaves_later_runs_alone_and_refuses_where_others_built_on_it()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        _work.WritePersons(1, "a", "1,A,Ann2,,,", "2,A,Bob2,,,");
        var first = (await _work.ReprocessAsync(await _work.FileIdAsync("_a"))).Single();
        _work.WritePersons(3, "later", "1,A,Latest,,,");
        await _work.LoadAsync();

        await _work.Reprocessor.UndoAsync([first.ReceiptId!.Value], EngineWorkshop.Reason, default);
        Assert.Equal("Latest", await _work.NameOfAsync(1));
        Assert.Equal("Bob", await _work.NameOfAsync(2));

        var second = (await _work.ReprocessAsync(await _work.FileIdAsync("_a"))).Single();
        await _work.ReprocessAsync(await _work.FileIdAsync("_a"));
        var refused = await Assert.ThrowsAsync<EtlException>(() =>
            _work.Reprocessor.UndoAsync([second.ReceiptId!.Value], EngineWorkshop.Reason, default));
        Assert.Equal("UndoConflict", refused.ErrorId);
        Assert.Contains("replaced again", refused.Message, StringComparison.Ordinal);
        Assert.True((await _work.IntegrityAsync()).IsIntact);
        Assert.Equal(
            "cancelled UndoConflict",
            await _work.Database.ScalarAsync<string>("SELECT status || ' ' || error_code FROM etl.load_runs WHERE kind = 'undo' ORDER BY started_at DESC LIMIT 1"));
    }

    [PostgresFact]
    public async Task A_load_that_took_the_place_of_a_file_is_taken_back()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        var before = await SnapshotAsync();
        _work.WritePersons(1, "a", "1,A,Ann2,,,", "3,A,Cyd,,,");
        await _work.LoadAsync();
        Assert.Null(await _work.NameOfAsync(2));

        var loaded = Assert.Single(await _work.Reprocessor.GetReceiptsAsync([], [await _work.FileIdAsync("_a")], default));
        var undone = Assert.Single(await _work.Reprocessor.UndoAsync([loaded.ReceiptId!.Value], EngineWorkshop.Reason, default));

        Assert.Equal((1L, 1L, 1L), (undone.Staging!.Inserted, undone.Staging.Restored, undone.Staging.Withdrawn));
        Assert.Equal(before, await SnapshotAsync());
        Assert.True((await _work.IntegrityAsync()).IsIntact);
        Assert.Empty(await _work.PlanAsync());
        Assert.Empty(await _work.Reprocessor.GetReceiptsAsync([loaded.LoadRunId!.Value], [], default));
    }

    [PostgresFact]
    public async Task A_whole_load_is_taken_back_and_comes_again_by_a_reprocess_only()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,");
        await _work.LoadAsync();
        var before = await SnapshotAsync();
        _work.WritePersons(2, "b", "1,A,Wrong,,,", "2,A,Bob,,,");
        _work.WritePersons(3, "c", "3,A,Cyd,,,");
        var run = await _work.LoadAsync();

        var receipts = await _work.Reprocessor.GetReceiptsAsync([run.LoadRunId], [], default);
        await _work.Reprocessor.UndoAsync([.. receipts.Select(receipt => receipt.ReceiptId!.Value)], EngineWorkshop.Reason, default);

        Assert.Equal(2, receipts.Count);
        Assert.Equal(before, await SnapshotAsync());
        Assert.Empty(await _work.PlanAsync());
        var waiting = await _work.Discovery.GetWaitingAsync(new FileFilter(), TimeSpan.FromDays(30), default);
        Assert.Equal(2, waiting.WithdrawnLoadRunFileIds.Count);
        await _work.ReprocessAsync(await _work.FileIdAsync("_b"));
        Assert.Equal("Wrong", await _work.NameOfAsync(1));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task What_is_not_staged_yet_is_not_taken_back()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        _work.WritePersons(1, "a", "1,A,Ann2,,,");
        var run = await _work.LoadAsync(new LoadOptions { SkipStaging = true });
        var receipt = Assert.Single(await _work.Reprocessor.GetReceiptsAsync([run.LoadRunId], [], default));

        var refused = await Assert.ThrowsAsync<EtlException>(() =>
            _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default));

        Assert.Equal("UndoConflict", refused.ErrorId);
        Assert.Contains("not staged yet", refused.Message, StringComparison.Ordinal);
        Assert.Equal("Bob", await _work.NameOfAsync(2));
    }

    [PostgresFact]
    public async Task A_hard_delete_leaves_no_raw_row_and_no_way_back()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
        await _work.LoadAsync();
        var receipt = (await _work.ReprocessAsync(await _work.FileIdAsync("_a"), options => options with { HardDelete = true })).Single();

        Assert.Equal(2, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.persons"));
        Assert.Equal(1, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.rejected_rows"));
        var refused = await Assert.ThrowsAsync<EtlException>(() =>
            _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default));
        Assert.Equal("UndoNotPossible", refused.ErrorId);
    }

    [PostgresFact]
    public async Task Staging_only_reprocessing_applies_changed_rules()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        var type = _work.Pipeline.ExtractTypes[0];
        _work.Pipeline = _work.Pipeline with
        {
            ExtractTypes =
            [
                type with
                {
                    Rules = new Dictionary<string, Core.Configuration.ColumnRule>(StringComparer.Ordinal)
                    {
                        ["name"] = new() { Pattern = "^A" },
                    },
                },
                _work.Pipeline.ExtractTypes[1],
            ],
        };
        var receipt = (await _work.ReprocessAsync(await _work.FileIdAsync("_a"), options => options with { SkipRaw = true })).Single();

        Assert.Equal((1L, 1L, 1L), (receipt.Staging!.Unchanged, receipt.Staging.Withdrawn, receipt.Staging.Rejected));
        Assert.Null(await _work.NameOfAsync(2));
        Assert.Equal(["name:pattern"], await _work.Database.QueryAsync<string>("SELECT unnest(reasons) FROM etl.rejected_rows"));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task Staging_left_for_later_is_done_by_the_next_run()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,");
        await _work.LoadAsync(new LoadOptions { SkipStaging = true });
        Assert.Null(await _work.NameOfAsync(1));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
        Assert.Equal(1, (await _work.IntegrityAsync()).UnstagedFiles);

        await _work.LoadAsync();
        Assert.Equal("Ann", await _work.NameOfAsync(1));
        Assert.Equal(0, (await _work.IntegrityAsync()).UnstagedFiles);
    }

    [PostgresFact]
    public async Task Undo_brings_a_file_back_that_was_not_staged_yet_and_stages_it()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,,,,");
        await _work.LoadAsync(new LoadOptions { SkipStaging = true });
        _work.WritePersons(1, "a", "1,A,Anna,,,");
        var receipt = (await _work.ReprocessAsync(await _work.FileIdAsync("_a"))).Single();
        await _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default);

        Assert.Equal("Ann", await _work.NameOfAsync(1));
        var integrity = await _work.IntegrityAsync();
        Assert.True(integrity.IsIntact);
        Assert.Equal(0, integrity.UnstagedFiles);
        Assert.Equal(1, await _work.Database.ScalarAsync<long>("SELECT rows_rejected FROM etl.load_run_files WHERE superseded_at IS NULL"));
    }

    [PostgresTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_gives_way_before_it_was_staged_takes_what_it_replaced_with_it(bool skipLast)
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        _work.WritePersons(1, "a", "2,A,Bob2,,,");
        await _work.LoadAsync(new LoadOptions { SkipStaging = true });
        _work.WritePersons(1, "a", "2,A,Bob3,,,");
        await _work.LoadAsync(new LoadOptions { SkipStaging = skipLast });
        Assert.True((await _work.IntegrityAsync()).IsIntact);

        await _work.LoadAsync();
        Assert.Null(await _work.NameOfAsync(1));
        Assert.Equal("Bob3", await _work.NameOfAsync(2));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task A_corrected_re_upload_takes_the_place_of_the_file_of_its_name()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        _work.WritePersons(1, "a", "1,A,Anna,,,");
        await _work.LoadAsync();

        Assert.Equal("Anna", await _work.NameOfAsync(1));
        Assert.Null(await _work.NameOfAsync(2));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task A_file_with_too_many_bad_rows_fails_whole_and_shows_them()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A", "3,A,x,,,,,", "4");
        var run = await _work.LoadAsync();

        Assert.Equal(LoadRunStatus.Failed, run.Status);
        Assert.Equal("TooManyBadRows", await _work.Database.ScalarAsync<string>("SELECT error_code FROM etl.load_run_files"));
        Assert.Equal(0, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM raw.persons"));
        Assert.Equal(3, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.rejected_rows WHERE stage = 'load'"));
    }

    [PostgresFact]
    public async Task A_repaired_row_counts_until_a_newer_extract_and_can_be_undone()
    {
        _work.WritePersons(1, "a", "1,A,,1980-01-01,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        var id = await _work.Database.ScalarAsync<long>("SELECT rejected_row_id FROM etl.rejected_rows");
        var invalid = await Assert.ThrowsAsync<EtlException>(() => _work.Repair.RepairAsync(
            [new RowCorrection { RejectedRowId = id, Values = new Dictionary<string, string?> { ["born"] = "x" } }],
            EngineWorkshop.Reason, preview: false, default));
        Assert.Equal("RepairStillInvalid", invalid.ErrorId);

        var receipt = Assert.Single(await _work.Repair.RepairAsync(
            [new RowCorrection { RejectedRowId = id, Values = new Dictionary<string, string?> { ["name"] = "Ann" } }],
            EngineWorkshop.Reason, preview: false, default));
        Assert.Equal("Ann", await _work.NameOfAsync(1));
        Assert.True((await _work.IntegrityAsync()).IsIntact);

        await _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default);
        Assert.Null(await _work.NameOfAsync(1));
        Assert.True((await _work.IntegrityAsync()).IsIntact);
    }

    [PostgresFact]
    public async Task A_file_that_an_undo_withdrew_waits_until_its_content_counts_again()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,");
        _work.WritePersons(2, "b", "2,A,Bob,,,");
        await _work.LoadAsync();
        Assert.Empty(await WithdrawnAsync());

        // The same content again: the undo leaves nothing that waits.
        await UndoLastAsync(await _work.ReprocessAsync(await _work.FileIdAsync("_a")));
        Assert.Empty(await WithdrawnAsync());

        _work.WritePersons(1, "a", "1,A,Anna,,,");
        var receipt = (await _work.ReprocessAsync(await _work.FileIdAsync("_a"))).Single();
        Assert.Empty(await WithdrawnAsync());
        await UndoLastAsync([receipt]);
        Assert.Empty(await _work.PlanAsync());
        Assert.Equal([receipt.NewLoadRunFileId!.Value], await WithdrawnAsync());
        Assert.Empty(await WithdrawnAsync(new FileFilter { ExtractTypes = ["Visit"] }));

        await _work.ReprocessAsync(receipt.NewLoadRunFileId.Value);
        Assert.Equal("Anna", await _work.NameOfAsync(1));
        Assert.Empty(await WithdrawnAsync());

        async Task UndoLastAsync(IReadOnlyList<ReprocessReceipt> receipts) =>
            await _work.Reprocessor.UndoAsync([receipts.Single().ReceiptId!.Value], EngineWorkshop.Reason, default);

        async Task<IReadOnlyList<int>> WithdrawnAsync(FileFilter? filter = null) =>
            (await _work.Discovery.GetWaitingAsync(filter ?? new FileFilter(), TimeSpan.FromDays(30), default)).WithdrawnLoadRunFileIds;
    }

    [PostgresFact]
    public async Task A_repair_gives_way_with_its_file_and_comes_back_with_it()
    {
        _work.WritePersons(1, "a", "1,A,,1980-01-01,,", "2,A,Bob,,,");
        await _work.LoadAsync();
        var first = await RepairOpenRowAsync("Ann");
        Assert.Equal([(first, "repaired")], await QuarantineAsync());

        // The same row is refused again: a new open row, and the correction of the old one counts no more.
        var receipt = Assert.Single(await _work.ReprocessAsync(await _work.FileIdAsync("_a")));
        Assert.Equal((1, 0), (receipt.Staging!.Withdrawn, receipt.Staging.Inserted));
        Assert.Null(await _work.NameOfAsync(1));
        var quarantine = await QuarantineAsync();
        Assert.Equal([(first, "superseded"), (quarantine[1].Id, "open")], quarantine);

        // That one is corrected too. The undo takes its correction away and brings the first one back.
        var second = await RepairOpenRowAsync("Anna");
        Assert.Equal("Anna", await _work.NameOfAsync(1));
        await _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default);
        Assert.Equal("Ann", await _work.NameOfAsync(1));
        Assert.Equal([(first, "repaired"), (second, "superseded")], await QuarantineAsync());
        Assert.True((await _work.IntegrityAsync()).IsIntact);

        await _work.ReprocessAsync(await _work.FileIdAsync("_a"), options => options with { SkipRaw = true });
        Assert.Equal([(first, "repaired"), (second, "superseded")], await QuarantineAsync());
        Assert.Equal("Ann", await _work.NameOfAsync(1));
    }

    [PostgresFact]
    public async Task A_repair_waits_for_no_load_of_its_file_but_is_refused_during_one()
    {
        _work.WritePersons(1, "a", "1,A,,1980-01-01,,", "2,A,Bob,,,");
        var run = await _work.LoadAsync();
        await _work.Database.ExecuteAsync(
            """
            INSERT INTO etl.load_run_files (
                load_run_id, pipeline, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extracted_at, extract_type, per_org_id,
                practice_id, attempt, status)
            SELECT load_run_id, pipeline, s3_bucket, s3_key, '', file_hash, date_extracted, extracted_at, extract_type, '', '', 2, 'processing'
            FROM etl.load_run_files;
            UPDATE etl.load_runs SET status = 'running', lease_key = NULL WHERE load_run_id = @run
            """,
            new { run = run.LoadRunId });

        var busy = await Assert.ThrowsAsync<EtlException>(() => RepairOpenRowAsync("Ann"));
        Assert.Equal("FileBusy", busy.ErrorId);
        Assert.Null(await _work.NameOfAsync(1));
    }

    [PostgresFact]
    public async Task Only_the_latest_failed_attempt_that_shows_bad_rows_has_open_ones()
    {
        _work.WritePersons(1, "a", "1,A,Ann,,,", "2,A", "3,A,x,,,,,");
        await _work.LoadAsync();
        var first = await QuarantineAsync();
        await _work.ReprocessAsync(await _work.FileIdAsync("_a"));
        var both = await QuarantineAsync();
        Assert.Equal(2, first.Count);
        Assert.Equal([.. first.Select(row => (row.Id, "superseded")), (both[2].Id, "open"), (both[3].Id, "open")], both);

        // An attempt that fails without having read a row does not hide them.
        File.Delete(Path.Combine(_work.Folder, "Person_2501010000_a.csv"));
        _work.Write("Person_2501010000_a", "another,header");
        await _work.ReprocessAsync(await _work.FileIdAsync("_a"));
        Assert.Equal(both, await QuarantineAsync());
        Assert.Equal(3, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM etl.load_run_files WHERE status = 'failed'"));
    }

    [PostgresFact]
    public async Task An_empty_reason_is_refused()
    {
        var error = await Assert.ThrowsAsync<EtlException>(() => _work.ReprocessAsync(1, options => options with { Reason = "  " }));
        Assert.Equal("ReasonEmpty", error.ErrorId);
    }

    private async Task<long> RepairOpenRowAsync(string name)
    {
        var row = (await QuarantineAsync()).Single(row => row.Status == "open").Id;
        await _work.Repair.RepairAsync(
            [new RowCorrection { RejectedRowId = row, Values = new Dictionary<string, string?> { ["name"] = name } }],
            EngineWorkshop.Reason,
            preview: false,
            default);
        return row;
    }

    private async Task<List<(long Id, string Status)>> QuarantineAsync() =>
        (await new RunLedger(_work.Etl).GetRejectedRowsAsync(new RejectedRowQuery { IncludeClosed = true }, default).ToListAsync())
        .Select(row => (row.RejectedRowId, row.Status))
        .ToList();

    private async Task<string> SnapshotAsync() => string.Join("\n", await _work.Database.QueryAsync<string>(
        "SELECT concat_ws('|', person_id, practice_id, name, born, amount, active, load_run_file_id) FROM stg.persons ORDER BY 1"));
}
