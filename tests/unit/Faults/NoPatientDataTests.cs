using System.Collections;
using System.Reflection;
using System.Text;
using EtlTools.Core;
using EtlTools.Core.Loading;
using EtlTools.Core.Reprocessing;
using EtlTools.Core.Runs;
using EtlTools.Core.Staging;
using EtlTools.Tests.Engine;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>
/// A planted name and a planted value in every place of every kind of file, and every failure provoked: they may be in raw,
/// staging and the quarantine, and nowhere else.
/// </summary>
public sealed class NoPatientDataTests : IAsyncLifetime
{
    private const string Name = "Zyxwvutta";
    private const string Value = "98765432109";

    private readonly List<object> _shown = [];
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
    public async Task Nothing_that_is_shown_or_kept_in_the_ledger_holds_a_planted_text()
    {
        // Good rows, rows that staging refuses, rows that raw refuses.
        _work.WritePersons(
            1, "mixed", $"1,A,{Name},,,", $"2,A,{Name},{Value},{Value},{Name}", $"{Name},A,{Value},,,", $"3,A,{Name}", $"4,A,{Name}\0{Value},,,", $"5,A,\"{Name}\"{Value},,,",
            "6,A,Ann,,,", "7,A,Ann,,,", "8,A,Ann,,,", "9,A,Ann,,,");
        await LoadAsync();

        // Too many bad rows; no header, with values that repeat; a header that is data altogether.
        _work.WritePersons(2, "bad", $"{Name}", $"{Value}", $"{Name},{Value}");
        _work.Write("Person_2501030000_headerless", $"1,{Name},{Name},{Value},{Value},{Name}", $"2,A,{Name},,,");
        _work.Write("Person_2501040000_quoted", $"\"{Name}\n{Value}", $"1,A,{Name},,,");
        await LoadAsync();
        Assert.Equal(3, (await Steps.FailedFilesAsync(_work)).Count);

        // Errors of the server whose own words hold the row.
        foreach (var state in new[] { "23505", "23514", "22001", "22003", "22P02", "22007", "22021", "P0001", "XX000", "42501", "42P01", "42703" })
        {
            await ServerFault.ArmAsync(_work, "stg.persons", RaiseQuoting(state), times: 1000);
            _work.WritePersons(5, "server" + state, $"1,A,{Name},,,", $"10,{Value},{Name},,,");
            await LoadAsync();
            await ReprocessAsync(await _work.FileIdAsync("mixed"));
            await ServerFault.DisarmAsync(_work);
            File.Delete(Path.Combine(_work.Folder, $"Person_2501050000_server{state}.csv"));
        }

        await ServerFault.ArmAsync(_work, await ServerFault.OpenSegmentAsync(_work), ServerFault.Raise("23514"), atRow: 2, times: 1000);
        _work.WritePersons(6, "copy", $"1,A,{Name},,,", $"10,{Value},{Name},,,");
        await LoadAsync();
        await ServerFault.DisarmAsync(_work);

        // A constraint of the admin's own, and a column that raw cannot fill.
        await _work.Database.ExecuteAsync($"ALTER TABLE stg.persons ADD CONSTRAINT no_long_names CHECK (length(name) < 8) NOT VALID");
        _work.WritePersons(7, "check", $"1,A,{Name},,,", $"11,{Value},{Name},,,");
        await LoadAsync();
        await _work.Database.ExecuteAsync("ALTER TABLE stg.persons DROP CONSTRAINT no_long_names");

        await ReprocessAsync(await _work.FileIdAsync("mixed"));
        await RepairAsync();
        await ShowAllAsync();

        Assert.NotEmpty(_shown);
        foreach (var text in _shown.SelectMany(shown => TextsOf(shown)))
        {
            AssertClean(text);
        }

        await AssertLedgerIsCleanAsync();

        // The planted texts did come by: they are where they belong.
        Assert.True(await _work.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM stg.persons WHERE name = @Name)", new { Name }));
        Assert.True(await _work.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM etl.rejected_rows WHERE fields::text LIKE '%' || @Value || '%')", new { Value }));
        Assert.True(await _work.Database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM etl.rejected_rows WHERE position(convert_to(@Name, 'UTF8') IN content) > 0)", new { Name }));
    }

    [PostgresFact]
    public async Task The_host_writes_no_planted_text()
    {
        var pipeline = Path.Combine(Directory.CreateDirectory(Path.Combine(_work.Folder, "pipeline")).FullName, "workshop.yaml");
        await File.WriteAllTextAsync(pipeline, $"""
            name: workshop
            source:
              kind: folder
              path: {_work.Folder}
              filter: "*.csv"
            file_name:
              pattern: ^(?<extract_type>[A-Za-z]+)_(?<date_extracted>[0-9]+)_\w+$
              date_extracted_format: yyMMddHHmm
            time_zone: Pacific/Auckland
            dialect:
              header: true
              quote: '"'
            max_error_rate: 50%
            extract_types:
              Person:
                table: persons
                natural_key: [person_id, practice_id]
                columns:
                  - person_id: integer
                  - practice_id
                  - name: text not null
                  - born: date
                  - amount: numeric(6,2)
                  - active: boolean
            """);
        _work.WritePersons(1, "mixed", $"1,A,{Name},,,", $"2,A,{Name},{Value},{Value},{Name}", $"3,A,{Name}", "4,A,Ann,,,");
        _work.WritePersons(2, "bad", "1,A,Ann,,,", $"{Name}", $"{Value}", $"{Name},{Value}");
        _work.Write("Person_2501030000_headerless", $"{Name},{Name},{Value},{Value}", $"2,A,{Name},,,");
        await ServerFault.ArmAsync(_work, "stg.persons", RaiseQuoting("23514"), atRow: 2, times: 1000);
        _work.WritePersons(4, "server", $"11,A,{Name},,,", $"12,{Value},{Name},,,");

        string[][] commands =
        [
            ["load"], ["failed"], ["runs"], ["verify"],
            ["reprocess", "--file", "1", "--reason", "a test"],
            ["reprocess", "--file", "1", "--reason", "a test", "--what-if"],
        ];
        var output = new StringBuilder();
        foreach (var command in commands)
        {
            await using var host = await HostProcess.RunAsync([.. command, "--connection", _work.Database.ConnectionString, "--pipeline", pipeline]);
            output.Append(host.Output).Append(host.Error);
        }

        Assert.Contains("TooManyBadRows", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("HeaderMismatch", output.ToString(), StringComparison.Ordinal);
        AssertClean(output.ToString());
        await AssertLedgerIsCleanAsync();
    }

    /// <summary>An error that quotes the row in every part that an error has.</summary>
    private static string RaiseQuoting(string sqlState) => $"""
        RAISE EXCEPTION 'column "{Name}" of relation "{Value}" is bad: %', row_to_json(NEW) USING
            ERRCODE = '{sqlState}', DETAIL = row_to_json(NEW)::text, HINT = row_to_json(NEW)::text;
        """;

    private static void AssertClean(string text)
    {
        Assert.DoesNotContain(Name, text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Value, text, StringComparison.Ordinal);
    }

    private async Task LoadAsync() => await ShowAsync(async () => await _work.Loader.LoadAsync(
        await _work.PlanAsync(), new LoadOptions(), new Shown<LoadProgress>(_shown), CancellationToken.None));

    private async Task ReprocessAsync(int file)
    {
        var target = new ReprocessTarget { LoadRunFileIds = [file] };
        var options = new ReprocessOptions { Reason = EngineWorkshop.Reason };
        await ShowAsync(async () => await _work.Reprocessor.PreviewAsync(target, options, new Shown<ReprocessProgress>(_shown), CancellationToken.None));
        await ShowAsync(async () => await _work.Reprocessor.PreviewAsync(
            target, options with { SkipRaw = true }, new Shown<ReprocessProgress>(_shown), CancellationToken.None));
        await ShowAsync(async () => await _work.Reprocessor.ExecuteAsync(target, options, new Shown<ReprocessProgress>(_shown), CancellationToken.None));
    }

    private async Task RepairAsync()
    {
        foreach (var row in await _work.Database.QueryAsync<long>(
            "SELECT rejected_row_id FROM etl.rejected_rows JOIN etl.load_run_files USING (load_run_file_id) WHERE status = 'completed' AND superseded_at IS NULL"))
        {
            foreach (var column in new[] { "born", "no_such_column" })
            {
                var values = new Dictionary<string, string?> { ["person_id"] = "77", [column] = Name, ["amount"] = Value };
                await ShowAsync(async () => await _work.Repair.RepairAsync(
                    [new RowCorrection { RejectedRowId = row, Values = values }], EngineWorkshop.Reason, preview: false, CancellationToken.None));
            }
        }
    }

    private async Task ShowAllAsync()
    {
        var ledger = new RunLedger(_work.Etl);
        _shown.AddRange(await ledger.GetRunsAsync(new RunQuery(), CancellationToken.None).ToListAsync());
        _shown.AddRange(await ledger.GetFilesAsync(new FileQuery(), CancellationToken.None).ToListAsync());
        _shown.AddRange(await ledger.GetRejectedRowsAsync(new RejectedRowQuery { IncludeClosed = true }, CancellationToken.None).ToListAsync());
        _shown.AddRange(await Steps.FailedFilesAsync(_work));
        _shown.AddRange(await _work.PlanAsync());
        _shown.AddRange(await new StagingIntegrity(_work.Etl, _work.Pipeline).TestAsync([], CancellationToken.None).ToListAsync());
        _shown.AddRange(await _work.Reprocessor.GetReceiptsAsync(
            (await _work.Database.QueryAsync<Guid>("SELECT load_run_id FROM etl.load_runs")).ToList(), [], CancellationToken.None));
    }

    private async Task ShowAsync(Func<Task<object>> use)
    {
        try
        {
            _shown.Add(await use());
        }
        catch (EtlException error)
        {
            _shown.Add(error);
        }
    }

    /// <summary>Every column of the ledger but the quarantine's content.</summary>
    private async Task AssertLedgerIsCleanAsync()
    {
        foreach (var table in await _work.Database.QueryAsync<string>("SELECT tablename FROM pg_tables WHERE schemaname = 'etl'"))
        {
            var rows = await _work.Database.QueryAsync<string>(
                $"SELECT (to_jsonb(t){(table == "rejected_rows" ? " - 'content' - 'fields'" : "")})::text FROM etl.{table} t");
            foreach (var row in rows)
            {
                AssertClean(row);
            }
        }
    }

    /// <summary>Every text that an object shows: its own words, its public properties, and theirs.</summary>
    private static IEnumerable<string> TextsOf(object? shown, int depth = 0)
    {
        switch (shown)
        {
            case null:
                break;
            case string text:
                yield return text;
                break;
            case Exception error:
                yield return error.ToString();
                foreach (var text in PropertiesOf(error, depth))
                {
                    yield return text;
                }

                break;
            case IEnumerable many:
                foreach (var text in many.Cast<object?>().SelectMany(one => TextsOf(one, depth + 1)))
                {
                    yield return text;
                }

                break;
            default:
                yield return shown.ToString() ?? "";
                foreach (var text in shown.GetType().Assembly == typeof(EtlException).Assembly ? PropertiesOf(shown, depth) : [])
                {
                    yield return text;
                }

                break;
        }
    }

    private static IEnumerable<string> PropertiesOf(object shown, int depth) => depth > 5 ? [] : shown.GetType()
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.GetIndexParameters().Length == 0
            && property.Name is not (nameof(Exception.TargetSite) or nameof(Exception.Data)))
        .SelectMany(property => TextsOf(property.GetValue(shown), depth + 1));

    private sealed class Shown<T>(List<object> all) : IProgress<T>
    {
        public void Report(T value)
        {
            lock (all)
            {
                all.Add(value!);
            }
        }
    }
}
