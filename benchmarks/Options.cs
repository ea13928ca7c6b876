namespace EtlTools.Benchmarks;

/// <summary>What scripts/benchmark.sh was told.</summary>
internal sealed record Options
{
    public const string Usage = """
        scripts/benchmark.sh [--only NAME]... [--quick] [--runs N] [--report]
          --only NAME   this benchmark only; may be given several times
          --quick       small data and one run: shows that everything works, its numbers mean nothing
          --runs N      medians of N runs (5)
          --report      writes docs/benchmarks.md; what it says of benchmarks that were not run stays
        """;

    public IReadOnlyList<string> Only { get; init; } = [];
    public bool Quick { get; init; }
    public int Runs { get; init; } = 5;
    public bool Report { get; init; }

    /// <summary>Null where the arguments cannot be understood.</summary>
    public static Options? Parse(ReadOnlySpan<string> arguments)
    {
        var options = new Options();
        int? runs = null;
        while (arguments.Length > 0)
        {
            switch (arguments)
            {
                case ["--only", var name, ..]:
                    options = options with { Only = [.. options.Only, name] };
                    arguments = arguments[2..];
                    break;
                case ["--runs", var text, ..] when int.TryParse(text, out var number) && number > 0:
                    runs = number;
                    arguments = arguments[2..];
                    break;
                case ["--quick", ..]:
                    options = options with { Quick = true };
                    arguments = arguments[1..];
                    break;
                case ["--report", ..]:
                    options = options with { Report = true };
                    arguments = arguments[1..];
                    break;
                default:
                    return null;
            }
        }

        return options with { Runs = runs ?? (options.Quick ? 1 : options.Runs) };
    }
}
