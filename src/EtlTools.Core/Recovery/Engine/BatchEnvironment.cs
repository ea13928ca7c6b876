using System.Globalization;
using System.Text;
using EtlTools.Core.Recovery.Tables;

namespace EtlTools.Core.Recovery.Engine;

/// <summary>
/// The environment variables by which the service and its tools are told their batch sizes. Recovery writes by COPY, which knows
/// no parameters and so needs no chunks; but a size that would break the service's own statements is not passed over.
/// </summary>
public static class BatchEnvironment
{
    /// <summary>PostgreSQL's limit for one statement.</summary>
    public const int MaxParameters = 65_535;

    public const string BatchSizeName = "RECOVERY_BATCH_SIZE";
    public const string ConcurrencyName = "RECOVERY_MAX_CONCURRENT_JOBS";
    public const string VerificationName = "RECOVERY_VERIFICATION_ENABLED";

    /// <summary>RECOVERY_BATCH_SIZE; null where it is not set.</summary>
    /// <exception cref="EtlException">EnvironmentInvalid.</exception>
    public static int? BatchSize(Func<string, string?> environment) => Number(environment, BatchSizeName);

    /// <summary>RECOVERY_MAX_CONCURRENT_JOBS; null where it is not set.</summary>
    /// <exception cref="EtlException">EnvironmentInvalid.</exception>
    public static int? MaxConcurrency(Func<string, string?> environment) => Number(environment, ConcurrencyName);

    /// <summary>RECOVERY_VERIFICATION_ENABLED; null where it is not set.</summary>
    /// <exception cref="EtlException">EnvironmentInvalid.</exception>
    public static bool? Verifies(Func<string, string?> environment) => environment(VerificationName)?.Trim().ToLowerInvariant() switch
    {
        null or "" => null,
        "true" or "1" or "yes" or "on" => true,
        "false" or "0" or "no" or "off" => false,
        _ => throw Invalid(VerificationName, "is neither true nor false", "Set it to true or false, or remove it."),
    };

    /// <summary>Checks BATCH_*_CHUNK_SIZE against the columns that the live tables have: columns x rows may be 65,535 at most.</summary>
    /// <exception cref="EtlException">ChunkSizeTooLarge (names the largest size that is safe), EnvironmentInvalid.</exception>
    internal static void Require(MetricCatalogue catalogue, Func<string, string?> environment)
    {
        foreach (var binding in catalogue.Bindings)
        {
            var name = binding is null ? "" : $"BATCH_{Snake(binding.Type.Name)}_CHUNK_SIZE";
            if (binding is null || Number(environment, name) is not { } rows)
            {
                continue;
            }

            // What a row gives a statement: the columns that metrics fill, and the user.
            var columns = binding.Sources.Count(source => source >= 0) + 1;
            if ((long)rows * columns > MaxParameters)
            {
                throw new EtlException(
                    EtlErrorKind.Configuration,
                    "ChunkSizeTooLarge",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{name} is {rows:N0}: with the {columns} columns of {binding.Table.Name} a statement would have {(long)rows * columns:N0} parameters, and PostgreSQL takes {MaxParameters:N0}."),
                    name,
                    string.Create(CultureInfo.InvariantCulture, $"Set it to {MaxParameters / columns} or less. Recovery itself writes by COPY and needs no chunks."));
            }
        }
    }

    private static int? Number(Func<string, string?> environment, string name) => environment(name)?.Trim() switch
    {
        null or "" => null,
        { } text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 => number,
        _ => throw Invalid(name, "is not a whole number above zero", "Correct it, or remove it."),
    };

    private static EtlException Invalid(string name, string fault, string nextStep) => new(
        EtlErrorKind.Configuration, "EnvironmentInvalid", $"The environment variable {name} {fault}.", name, nextStep);

    /// <summary>HeartRate is HEART_RATE.</summary>
    private static string Snake(string name)
    {
        var text = new StringBuilder();
        foreach (var letter in name)
        {
            if (char.IsUpper(letter) && text.Length > 0)
            {
                text.Append('_');
            }

            text.Append(char.ToUpperInvariant(letter));
        }

        return text.ToString();
    }
}
