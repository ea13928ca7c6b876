using EtlTools.Core;

namespace EtlTools.Host.Output;

/// <summary>What goes to the standard error: an id, what is wrong, and what to do next. Never a value of the data.</summary>
internal static class Failures
{
    public static void Write(EtlException failure) => Write(failure.ErrorId, failure.Message, failure.NextStep);

    public static void Write(string errorId, string message, string nextStep)
    {
        Console.Error.WriteLine($"{errorId}: {message}");
        Console.Error.WriteLine($"Next: {nextStep}");
    }

    /// <summary>Types and a place only: the message of an exception that nobody foresaw can quote data.</summary>
    public static void WriteDefect(Exception defect)
    {
        var place = defect.TargetSite is { } method ? $" in {method.DeclaringType?.FullName}.{method.Name}" : "";
        Write(
            "InternalError",
            $"An error that etl does not know ({defect.GetType().FullName}{place}).",
            "This is a defect of EtlTools: report it with the command that was run.");
    }
}
