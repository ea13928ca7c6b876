using System.Text.RegularExpressions;

namespace EtlTools.Core.Configuration;

/// <summary>${NAME} and ${NAME:-default} in the values of a source: environment variables.</summary>
internal static class Placeholder
{
    private static readonly Regex Pattern = new(@"\$\{(?<name>[^}:]*)(?<default>:-(?<value>[^}]*))?\}", RegexOptions.CultureInvariant);
    private static readonly Regex Name = new("^[A-Za-z_][A-Za-z0-9_]*$", RegexOptions.CultureInvariant);

    /// <summary>The map with its texts filled in; what cannot be filled in is reported and left as it is.</summary>
    public static ConfigMap Fill(ConfigMap map, Func<string, string?> environment, ConfigMistakes mistakes) => map with
    {
        Entries = map.Entries
            .Select(entry => entry.Value is ConfigScalar scalar
                ? entry with { Value = scalar with { Value = Fill(scalar, environment, mistakes) } }
                : entry)
            .ToList(),
    };

    private static string Fill(ConfigScalar scalar, Func<string, string?> environment, ConfigMistakes mistakes) =>
        Pattern.Replace(scalar.Value, match =>
        {
            var name = match.Groups["name"].Value;
            if (!Name.IsMatch(name))
            {
                mistakes.Add(scalar, $"'{match.Value}' does not name an environment variable", "${NAME} or ${NAME:-default}");
                return match.Value;
            }

            var value = environment(name);
            if (!string.IsNullOrEmpty(value))
            {
                return value;
            }

            if (match.Groups["default"].Success)
            {
                return match.Groups["value"].Value;
            }

            mistakes.Add(scalar, $"the environment variable {name} is not set", $"a value for {name}, or a default: ${{{name}:-default}}");
            return match.Value;
        });
}
