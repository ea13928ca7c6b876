namespace EtlTools.TestEnvironment.TestRun;

/// <summary>What scripts/test.sh was told.</summary>
public sealed record TestOptions
{
    public const string Usage = "scripts/test.sh [--filter TEXT] [--unit-only | --pester-only]";

    /// <summary>Part of a test's full name, or an expression of dotnet test.</summary>
    public string? Filter { get; init; }

    public bool UnitOnly { get; init; }

    public bool PesterOnly { get; init; }

    /// <summary>Null where the arguments cannot be understood.</summary>
    public static TestOptions? Parse(ReadOnlySpan<string> arguments)
    {
        var options = new TestOptions();
        while (arguments.Length > 0)
        {
            switch (arguments)
            {
                case ["--filter", var text, ..]:
                    options = options with { Filter = text };
                    arguments = arguments[2..];
                    break;
                case ["--unit-only", ..]:
                    options = options with { UnitOnly = true };
                    arguments = arguments[1..];
                    break;
                case ["--pester-only", ..]:
                    options = options with { PesterOnly = true };
                    arguments = arguments[1..];
                    break;
                default:
                    return null;
            }
        }

        return options.UnitOnly && options.PesterOnly ? null : options;
    }
}
