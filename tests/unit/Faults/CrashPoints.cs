using System.Text.RegularExpressions;
using EtlTools.Tests.Infrastructure;

namespace EtlTools.Tests.Faults;

/// <summary>The named steps at which the engine can be killed, and which tests kill it there.</summary>
public sealed class CrashPoints
{
    /// <summary>From the claim of a file on, its attempt is left behind until it is committed.</summary>
    public static readonly TheoryData<string, int> File = new()
    {
        { "load.after-claim", 1 },
        { "load.after-copy", 1 },
        { "load.after-staging", 1 },
        { "load.before-commit", 1 },
        { "load.after-commit", 0 },
    };

    /// <summary>A load of three files; the number is that of attempts left behind.</summary>
    public static readonly TheoryData<string, int> Load = new()
    {
        { "load.after-claim", 1 },
        { "load.after-copy", 1 },
        { "load.after-staging:2", 1 },
        { "load.before-commit:3", 1 },
        { "load.after-commit", 0 },
        { "load.after-commit:3", 0 },
        { "run.before-close", 0 },
        { "run.after-close", 0 },
    };

    public static readonly TheoryData<string> Undo = ["undo.before-commit", "undo.after-commit", "run.before-close"];

    public static readonly TheoryData<string> Schema = ["schema.before-commit", "schema.after-commit"];

    public static readonly TheoryData<string> Sealing = ["seal.after-close", "seal.before-commit"];

    /// <summary>The recovery of one ingestion; true where it is kept.</summary>
    public static readonly TheoryData<string, bool> Recovery = new()
    {
        { "recovery.after-lock", false },
        { "recovery.after-staging", false },
        { "recovery.after-insert", false },
        { "recovery.before-commit", false },
        { "recovery.after-commit", true },
    };

    /// <summary>The sync of a table; true where its rows are kept.</summary>
    public static readonly TheoryData<string, bool> Sync = new()
    {
        { "table.after-lease", false },
        { "table.after-start", false },
        { "table.after-copy", false },
        { "table.after-differences", false },
        { "table.before-commit", false },
        { "table.after-commit", true },
        { "table.before-clear-commit", true },
    };

    public const string TableConfigFiles = "tableconfig.between-files";
    public const string UndoneSync = "table.before-undo-commit";
    public const string FailedRecovery = "recovery.before-fail-commit";
    public const string FailedFile = "load.before-fail-commit";
    public const string PendingStaging = "pending.before-commit";
    public const string ClosingTheDead = "close-dead.before-commit";
    public const string Restaging = "restage.before-commit";
    public const string Repair = "repair.before-commit";

    private static readonly Regex Pass = new("""CrashPoint\.Pass\("([^"]+)"\)""");

    [Fact]
    public void Every_crash_point_of_the_engine_is_tested()
    {
        var engine = Path.Combine(Repository.Root, "src", "EtlTools.Core");
        var passed = Directory.EnumerateFiles(engine, "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Pass.Matches(System.IO.File.ReadAllText(file)).Select(match => match.Groups[1].Value));
        string[] tested =
        [
            .. File.Concat(Load).Concat(Undo).Concat(Schema).Concat(Sealing).Concat(Recovery).Concat(Sync).Select(row => ((string)row[0]).Split(':')[0]),
            FailedRecovery, FailedFile, PendingStaging, ClosingTheDead, Restaging, Repair, UndoneSync, TableConfigFiles,
        ];

        Assert.Equal(passed.Distinct().Order(StringComparer.Ordinal), tested.Distinct().Order(StringComparer.Ordinal));
    }
}
