using System.Globalization;

namespace EtlTools.Benchmarks;

/// <summary>What a benchmark found: its number, what it is to reach, and what it was made from.</summary>
internal sealed record Result
{
    public required string Name { get; init; }

    /// <summary>What the number says, for the report.</summary>
    public required string Meaning { get; init; }

    /// <summary>Null: skipped.</summary>
    public double? Value { get; init; }

    /// <summary>e.g. ">= 1.5".</summary>
    public required string Target { get; init; }

    public required bool IsReached { get; init; }

    /// <summary>Seconds of both sides and the like, by name.</summary>
    public IReadOnlyList<(string Name, string Value)> Details { get; init; } = [];

    /// <summary>Rival seconds over ours, by medians: how many times as fast we are.</summary>
    public static Result Speed(string name, string meaning, double atLeast, Comparison seconds) => new()
    {
        Name = name,
        Meaning = meaning,
        Value = Round(seconds.Rival.Median / seconds.Ours.Median),
        Target = Format(">= ", atLeast),
        IsReached = Round(seconds.Rival.Median / seconds.Ours.Median) >= atLeast,
        Details = [.. Describe("ours", seconds.Ours), .. Describe("rival", seconds.Rival)],
    };

    public static Result Limit(string name, string meaning, double atMost, double value, IReadOnlyList<(string, string)> details) => new()
    {
        Name = name,
        Meaning = meaning,
        Value = Round(value),
        Target = Format("<= ", atMost),
        IsReached = Round(value) <= atMost,
        Details = details,
    };

    public static Result Skipped(string name, string meaning, string target, string why) => new()
    {
        Name = name,
        Meaning = meaning,
        Target = target,
        IsReached = true,
        Details = [("skipped", why)],
    };

    public static IEnumerable<(string, string)> Describe(string side, Sample seconds) =>
    [
        (side + "_seconds", Format("", seconds.Median)),
        (side + "_seconds_all", string.Join(' ', seconds.Values.Select(value => Format("", value)))),
    ];

    public static string Format(string prefix, double value) => prefix + value.ToString("0.###", CultureInfo.InvariantCulture);

    private static double Round(double value) => Math.Round(value, 2);
}

/// <summary>Measured values in the order they came.</summary>
internal sealed record Sample(IReadOnlyList<double> Values)
{
    public double Median
    {
        get
        {
            var sorted = Values.Order().ToList();
            var middle = sorted.Count / 2;
            return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }
}

/// <summary>Seconds of both sides, measured in turns.</summary>
internal sealed record Comparison(Sample Ours, Sample Rival)
{
    /// <summary>
    /// A B A B ... With several runs there is one round before that does not count: after it files and programs are in the
    /// cache for both.
    /// </summary>
    public static async Task<Comparison> RunAsync(int runs, Func<Task<double>> ours, Func<Task<double>> rival)
    {
        if (runs > 1)
        {
            await ours();
            await rival();
        }

        var (mine, theirs) = (new List<double>(), new List<double>());
        for (var run = 0; run < runs; run++)
        {
            mine.Add(await ours());
            theirs.Add(await rival());
        }

        return new Comparison(new Sample(mine), new Sample(theirs));
    }
}
