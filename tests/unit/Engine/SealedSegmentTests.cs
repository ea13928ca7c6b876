using EtlTools.Core.Configuration;
using EtlTools.Core.Database;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Staging;
using EtlTools.Tests.Faults;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Engine;

/// <summary>
/// Looking back through segments that are sealed, and read by their key index. The integrity test, which compares, does not
/// use that index; the property test does the same over random histories.
/// </summary>
public sealed class SealedSegmentTests : IAsyncLifetime
{
    private EngineWorkshop _work = null!;

    public async Task InitializeAsync() => _work = PostgresServer.SkipReason is null ? await EngineWorkshop.OpenSealingAsync() : null!;

    public async Task DisposeAsync()
    {
        if (_work is not null)
        {
            await _work.DisposeAsync();
        }
    }

    [PostgresFact]
    public async Task A_look_back_goes_through_sealed_and_open_segments()
    {
        await LoadAsync(1, "a", "1,A,Ann,,,", "2,A,Bob,,,", "3,A,Cyd,,,");
        await LoadAsync(2, "b", "2,A,Bob2,,,");
        await LoadAsync(4, "d", "1,A,Ann4,,,", "2,A,Bob4,,,", "3,A,Cyd4,,,", "4,A,Dan4,,,");

        // Only what is larger is closed now, so what comes from here on is scanned.
        _work.Segments = EngineWorkshop.AlwaysSeal with { ScanBytes = long.MaxValue };
        await LoadAsync(3, "c", "3,A,Cyd3,,,");
        _work.WritePersons(4, "d", "1,A,Ann5,,,");
        var receipt = Assert.Single(await _work.ReprocessAsync(await _work.FileIdAsync("_d")));

        Assert.Equal((1L, 1L, 2L), (receipt.Staging!.Changed, receipt.Staging.Withdrawn, receipt.Staging.Restored));
        Assert.Equal(
            ["persons_0001 sealed", "persons_0002 sealed", "persons_0003 sealed", "persons_0004 open"], await Segments.StatesAsync(_work));
        Assert.Equal(["Ann5", "Bob2", "Cyd3"], await NamesAsync());
        await Truth.AssertWholeAsync(_work);

        await _work.Reprocessor.UndoAsync([receipt.ReceiptId!.Value], EngineWorkshop.Reason, default);
        Assert.Equal(["Ann4", "Bob4", "Cyd4", "Dan4"], await NamesAsync());
        Assert.True((await _work.IntegrityAsync()).IsIntact);
        Assert.Equal(["persons_0001", "persons_0002", "persons_0003"], await Segments.ReadByKeyAsync(_work));
    }

    /// <summary>The columns of a key, each written in two ways that mean the same; the first is sealed, the second goes.</summary>
    [PostgresFact]
    public async Task A_key_is_found_however_it_is_written()
    {
        const string Uuid = "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11";
        (string Column, string Sealed, string Gone)[] ways =
        [
            ("id", " 101", "0101"), ("id", "+102", "102 "), ("id", "103", "\t103"), ("id", "-00104", "-104"), ("id", "0", "-0"),
            ("small", "007", "7"), ("big", "9000000000000000000", "+9000000000000000000"),
            ("code", "ABC", " abc "), ("code", "äÖ", "ÄÖ"), ("name", "a  b", " a  b "), ("tag", "x", "x  "), ("word", " w", "w "),
            ("amount", "1.50", "01.5"), ("amount", "1.499", "1.5"), ("amount", "-0", "0.00"), ("amount", ".5", "+0.50"), ("amount", "100", "100."),
            ("active", "yes", "TRUE"), ("active", "1", " on"), ("active", "0", "no"),
            ("ref", Uuid, Uuid.ToUpperInvariant()), ("ref", Uuid + " ", Uuid.ToLowerInvariant()),
            ("day", "2025-01-02", "2025-01-02T10:00"), ("day", "2025-01-03 ", "2025-01-03 00:00:00.000"),
            ("at", "2025-01-02 03:04", "2025-01-01T14:04:00Z"), ("at", "2025-07-02 03:04", "2025-07-01 17:04:00+02"),
            ("num", "1.10", "1.1"), ("ratio", "1e2", "100"), ("ratio", "0.50", ".5"),
        ];
        var columns = await UseKeyOfEveryTypeAsync();
        string Row(int number, string column, string text, string note) => string.Join(',', columns.Select(name =>
            name == column ? $"\"{text}\"" : name switch
            {
                "id" => $"{1000 + number}", "small" or "big" or "amount" or "num" or "ratio" => "1", "active" => "t", "ref" => Uuid,
                "day" or "at" => "2025-06-01", "note" => note, _ => "k",
            }));
        string[] Write(int day, string suffix, IEnumerable<string> rows) =>
            [_work.Write($"Key_2501{day:D2}0000_{suffix}", [string.Join(',', columns), .. rows])];

        // Rows without a part of their key are among them, and lie about.
        Write(1, "a", ways.Select((way, i) => Row(i, way.Column, way.Sealed, "old")).Append(Row(0, "code", "", "no key")));
        await _work.LoadAsync();
        Write(2, "b", ways.Select((way, i) => Row(i, way.Column, way.Gone, "new")).Append(Row(1, "day", "", "no key")));
        await _work.LoadAsync();
        Assert.Equal([$"new {ways.Length}"], await NotesAsync());
        Write(2, "b", [Row(999, "id", "999", "other")]);
        var receipt = Assert.Single(await _work.ReprocessAsync(await _work.FileIdAsync("_b")));

        Assert.Equal((ways.Length, 0L), (receipt.Staging!.Restored, receipt.Staging.Withdrawn));
        Assert.Equal([$"old {ways.Length}", "other 1"], await NotesAsync());
        Assert.True((await _work.IntegrityAsync("Key")).IsIntact);
        Assert.Equal(["keys_0001", "keys_0002"], await Segments.ReadByKeyAsync(_work));
    }

    [PostgresFact]
    public async Task A_key_that_has_no_index_is_found_by_reading_all()
    {
        await UseAsync(new ExtractTypeConfig
        {
            Name = "Day",
            Table = "days",
            NaturalKey = ["day"],
            Columns = [new ColumnConfig { Name = "day", Type = "date" }, new ColumnConfig { Name = "note" }],
        });
        _work.Write("Day_2501010000_a", "day,note", "2025-01-01,old", "2025-01-02,old", "2025-01-03,old");
        await _work.LoadAsync();
        _work.Write("Day_2501020000_b", "day,note", "2025-01-01T00:00,new", "2025-01-02T00:00,new", "2025-01-04,new");
        await _work.LoadAsync();
        _work.Write("Day_2501020000_b", "day,note", "2025-01-01,newer");
        var receipt = Assert.Single(await _work.ReprocessAsync(await _work.FileIdAsync("_b")));

        Assert.Equal((1L, 1L, 1L), (receipt.Staging!.Changed, receipt.Staging.Withdrawn, receipt.Staging.Restored));
        Assert.Equal("newer old old", await _work.Database.ScalarAsync<string>("SELECT string_agg(note, ' ' ORDER BY day) FROM stg.days"));
        Assert.True((await _work.IntegrityAsync("Day")).IsIntact);
    }

    /// <summary>1, 10, -1 and 100 have one text in the index: candidates for one another, and no more than that.</summary>
    [PostgresFact]
    public async Task Keys_that_share_a_hash_are_kept_apart()
    {
        await LoadAsync(1, "a", "1,A,One,,,", "10,A,Ten,,,", "-1,A,Minus,,,", "100,A,Hundred,,,");
        await LoadAsync(2, "b", "10,A,Ten2,,,", "100,A,Hundred2,,,", "1000,A,Thousand2,,,");
        await LoadAsync(3, "c", "1,A,One3,,,");
        _work.WritePersons(2, "b", "100,A,Hundred4,,,");
        var receipt = Assert.Single(await _work.ReprocessAsync(await _work.FileIdAsync("_b")));

        Assert.Equal((1L, 1L, 1L), (receipt.Staging!.Changed, receipt.Staging.Withdrawn, receipt.Staging.Restored));
        Assert.Equal(["Minus", "One3", "Ten", "Hundred4"], await NamesAsync());
        await Truth.AssertWholeAsync(_work);
    }

    [PostgresFact]
    public async Task Rows_that_were_there_before_are_the_first_segment()
    {
        await _work.Database.ExecuteAsync(
            """
            INSERT INTO etl.load_runs (load_run_id, status, triggered_by) VALUES ('11111111-1111-1111-1111-111111111111', 'completed', 'scheduled');
            INSERT INTO etl.load_run_files (load_run_id, s3_bucket, s3_key, s3_version_id, file_hash, date_extracted, extracted_at, extract_type,
                per_org_id, practice_id, rows_read, rows_ingested, status, staged_at)
            VALUES ('11111111-1111-1111-1111-111111111111', 'before', 'before.csv', '', 'before', '2412310000', '2024-12-31', 'Person',
                '', '', 2, 2, 'completed', now());
            INSERT INTO raw.persons (person_id, practice_id, name, load_run_file_id) VALUES ('01', ' A', 'Ann0', 1), ('2', 'A', 'Bob0', 1);
            INSERT INTO stg.persons (person_id, practice_id, name, load_run_file_id) VALUES (1, 'A', 'Ann0', 1), (2, 'A', 'Bob0', 1);
            """);
        var steps = await new SchemaManager(_work.Etl).ApplyAsync(_work.Pipeline, progress: null, default);
        Assert.Equal(["Index raw.persons"], steps.Select(step => $"{step.Kind} {step.Target}"));
        await LoadAsync(1, "a", "1,A,Ann1,,,");
        await LoadAsync(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,", "3,A,Cyd2,,,");

        _work.WritePersons(2, "b", "4,A,Dan2,,,");
        await _work.ReprocessAsync(await _work.FileIdAsync("_b"));
        Assert.Equal(["Ann1", "Bob0", "Dan2"], await NamesAsync());
        Assert.True((await _work.IntegrityAsync()).IsIntact);
        Assert.Equal(["persons", "persons_0001", "persons_0002"], await Segments.ReadByKeyAsync(_work));
    }

    [PostgresTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Raw_rows_leave_a_sealed_segment_by_a_hard_delete(bool whileItIsLastOfItsTable)
    {
        await LoadAsync(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await LoadAsync(2, "b", "1,A,Ann2,,,", "2,A,Bob2,,,");
        if (!whileItIsLastOfItsTable)
        {
            await LoadAsync(3, "c", "1,A,Ann3,,,");
        }

        _work.WritePersons(2, "b", "3,A,Cyd4,,,");
        await _work.ReprocessAsync(await _work.FileIdAsync("_b"), options => options with { HardDelete = true });
        Assert.Equal(whileItIsLastOfItsTable ? ["Ann", "Bob", "Cyd4"] : ["Ann3", "Bob", "Cyd4"], await NamesAsync());
        Assert.Equal(0, await _work.Database.ScalarAsync<long>("SELECT count(*) FROM raw_segments.persons_0002"));
        await Truth.AssertWholeAsync(_work);

        // What is left falls back past the hole.
        _work.WritePersons(2, "b", "2,A,Bob5,,,");
        await _work.ReprocessAsync(await _work.FileIdAsync("_b"));
        Assert.Equal(whileItIsLastOfItsTable ? ["Ann", "Bob5"] : ["Ann3", "Bob5"], await NamesAsync());
        await Truth.AssertWholeAsync(_work);
        await Segments.AssertIndexedAsync(_work);
    }

    [PostgresFact]
    public async Task Rows_that_reach_a_segment_after_it_was_sealed_are_found()
    {
        await LoadAsync(1, "a", "1,A,Ann,,,", "2,A,Bob,,,");
        await LoadAsync(2, "b", "1,A,Ann2,,,");

        // As by a load that had chosen the segment before another run closed and sealed it.
        await _work.Database.ExecuteAsync("UPDATE etl.raw_segments SET closed_at = CASE WHEN segment_no = 2 THEN now() END");
        _work.Segments = new SegmentLimits();
        await LoadAsync(3, "late", Enumerable.Range(0, 500).Select(number => $"{number},A,Late{number},,,").ToArray());
        Assert.Equal("raw_segments.persons_0001", await _work.Database.ScalarAsync<string>(
            "SELECT replace(raw_segment, '\"', '') FROM etl.load_run_files WHERE s3_key LIKE '%late%'"));
        _work.Segments = EngineWorkshop.AlwaysSeal;
        await LoadAsync(4, "d", "1,A,Ann4,,,", "300,A,Late4,,,", "999,A,New,,,");
        _work.WritePersons(4, "d", "999,A,New,,,");
        await _work.ReprocessAsync(await _work.FileIdAsync("_d"));

        Assert.Equal("Late300", await _work.NameOfAsync(300));
        Assert.Equal("Late1", await _work.NameOfAsync(1));
        await Truth.AssertWholeAsync(_work);
    }

    [PostgresFact]
    public async Task Several_at_once_seal_a_segment_once()
    {
        for (var day = 1; day < 4; day++)
        {
            await LoadAsync(day, "a", $"{day},A,Ann,,,");
        }

        await _work.Database.ExecuteAsync("UPDATE etl.raw_segments SET closed_at = now() WHERE raw_table = 'raw.persons'");
        await using var connection = await _work.Database.OpenAsync();
        var table = await new ExtractTableReader(_work.Pipeline).GetAsync(connection, "Person", default);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            await using var sealing = await _work.Etl.OpenAsync(default);
            await RawSegments.SealAsync(sealing, table, default);
        }));

        await Segments.AssertIndexedAsync(_work);
    }

    [PostgresFact]
    public async Task A_segment_that_is_written_to_is_sealed_the_next_time()
    {
        await LoadAsync(1, "a", "1,A,Ann,,,");
        var holder = await Steps.HoldStagingAsync(_work);
        _work.Segments = new SegmentLimits();
        _work.WritePersons(2, "b", "1,A,Ann2,,,");
        var loading = _work.LoadAsync();
        await Steps.UntilHeldAsync(_work);

        // The load has copied into the segment and has not committed.
        await _work.Database.ExecuteAsync("UPDATE etl.raw_segments SET closed_at = now()");
        await using (var connection = await _work.Etl.OpenAsync(default))
        {
            await RawSegments.SealAsync(connection, await new ExtractTableReader(_work.Pipeline).GetAsync(connection, "Person", default), default);
        }

        Assert.Equal(["persons_0001 closed"], await Segments.StatesAsync(_work));
        await Steps.LetGoAsync(holder);
        await loading;
        await LoadAsync(3, "c", "1,A,Ann3,,,");
        Assert.Equal(["persons_0001 sealed", "persons_0002 open"], await Segments.StatesAsync(_work));
        await Truth.AssertWholeAsync(_work);
    }

    [PostgresFact]
    public async Task Runs_side_by_side_close_and_seal()
    {
        await LoadAsync(1, "first", "1,A,First,,,", "99,A,Only,,,");
        var first = new ReprocessTarget { LoadRunFileIds = [await _work.FileIdAsync("first")] };
        for (var round = 0; round < 4; round++)
        {
            for (var file = 0; file < 4; file++)
            {
                _work.WritePersons(1 + round, $"r{round}f{file}", Enumerable.Range(file, 6).Select(number => $"{number},A,R{round}F{file},,,").ToArray());
            }

            var plan = await _work.PlanAsync();
            await Task.WhenAll(
                _work.Loader.LoadAsync(plan.Take(2).ToList(), new LoadOptions(), null, default),
                _work.Loader.LoadAsync(plan.Skip(2).ToList(), new LoadOptions(), null, default),
                _work.Reprocessor.PreviewAsync(first, new ReprocessOptions { Reason = EngineWorkshop.Reason }, null, default));
        }

        await LoadAsync(9, "last", "1,A,Last,,,");
        await Truth.AssertWholeAsync(_work);
        await Segments.AssertIndexedAsync(_work);
    }

    private async Task LoadAsync(int day, string suffix, params string[] rows)
    {
        _work.WritePersons(day, suffix, rows);
        await _work.LoadAsync();
    }

    private Task<IReadOnlyList<string>> NamesAsync() =>
        _work.Database.QueryAsync<string>("SELECT name FROM stg.persons ORDER BY person_id, practice_id");

    private Task<IReadOnlyList<string>> NotesAsync() =>
        _work.Database.QueryAsync<string>("SELECT note || ' ' || count(*) FROM stg.keys GROUP BY note ORDER BY 1");

    private async Task<IReadOnlyList<string>> UseKeyOfEveryTypeAsync()
    {
        (string Name, string Type)[] key =
        [
            ("id", "integer"), ("small", "smallint"), ("big", "bigint"), ("code", "varchar(20)"), ("name", "text"), ("tag", "char(4)"),
            ("word", "text"), ("amount", "numeric(8,2)"), ("num", "numeric"), ("ratio", "double precision"), ("active", "boolean"),
            ("ref", "uuid"), ("day", "date"), ("at", "timestamp with time zone"),
        ];
        await UseAsync(new ExtractTypeConfig
        {
            Name = "Key",
            Table = "keys",
            NaturalKey = key.Select(column => column.Name).ToList(),
            Columns = [.. key.Select(column => new ColumnConfig { Name = column.Name, Type = column.Type }), new ColumnConfig { Name = "note" }],
            Rules = new Dictionary<string, ColumnRule>(StringComparer.Ordinal)
            {
                ["code"] = new() { Lowercase = true },
                ["amount"] = new() { NullValues = ["-1"] },
                ["num"] = new() { Minimum = "0" },
            },
        });

        // Columns of one key may be compared in different ways.
        await _work.Database.ExecuteAsync("""
            ALTER TABLE stg.keys ALTER name TYPE text COLLATE "C", ALTER word TYPE text COLLATE "POSIX"
            """);
        return [.. key.Select(column => column.Name), "note"];
    }

    private async Task UseAsync(ExtractTypeConfig type)
    {
        _work.Pipeline = _work.Pipeline with { ExtractTypes = [type] };
        await new SchemaManager(_work.Etl).ApplyAsync(_work.Pipeline, progress: null, default);
    }
}
