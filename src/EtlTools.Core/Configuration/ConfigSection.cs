using System.Globalization;

namespace EtlTools.Core.Configuration;

/// <summary>
/// Reads the keys of one map. What is asked for is what is known: <see cref="RejectUnknownKeys"/> reports the rest.
/// A wrong value is reported and read as if it were not there.
/// </summary>
internal sealed class ConfigSection(ConfigMap map, string title, ConfigMistakes mistakes)
{
    private readonly List<string> _known = [];

    public ConfigMap Map { get; } = map;

    public ConfigNode? Node(string key)
    {
        _known.Add(key);
        var value = Map.Find(key)?.Value;
        return value is ConfigScalar { IsNull: true } ? null : value;
    }

    /// <summary>Where a mistake about a key is to be reported: at the key, or at the section where there is none.</summary>
    public ConfigNode Place(string key) => (ConfigNode?)Map.Find(key)?.Key ?? Map;

    public ConfigScalar? Scalar(string key, string expected = "a text")
    {
        var node = Node(key);
        if (node is null or ConfigScalar)
        {
            return (ConfigScalar?)node;
        }

        mistakes.Add(node, $"{key} of {title} is not a single value", expected);
        return null;
    }

    public string? Text(string key, string expected = "a text") => Scalar(key, expected)?.Value;

    public string RequiredText(string key, string expected)
    {
        var value = Scalar(key, expected);
        if (value is { Value.Length: > 0 })
        {
            return value.Value;
        }

        if (value is not null || Node(key) is null)
        {
            mistakes.Add(Place(key), $"{title} has no {key}", expected);
        }

        return "";
    }

    public bool Flag(string key, bool otherwise)
    {
        var scalar = Scalar(key, "true or false");
        switch (scalar?.Value.ToLowerInvariant())
        {
            case null:
                return otherwise;
            case "true" or "yes" or "on":
                return true;
            case "false" or "no" or "off":
                return false;
            default:
                mistakes.Add(scalar, $"{key} of {title} is '{scalar.Value}'", "true or false");
                return otherwise;
        }
    }

    public int Integer(string key, int otherwise, int minimum, int maximum)
    {
        var expected = $"a whole number from {minimum} to {maximum}";
        var scalar = Scalar(key, expected);
        if (scalar is null)
        {
            return otherwise;
        }

        if (int.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= minimum && number <= maximum)
        {
            return number;
        }

        mistakes.Add(scalar, $"{key} of {title} is '{scalar.Value}'", expected);
        return otherwise;
    }

    public double Number(string key, double otherwise, double minimum)
    {
        var expected = string.Create(CultureInfo.InvariantCulture, $"a number of {minimum} or more");
        var scalar = Scalar(key, expected);
        if (scalar is null)
        {
            return otherwise;
        }

        if (double.TryParse(scalar.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= minimum)
        {
            return number;
        }

        mistakes.Add(scalar, $"{key} of {title} is '{scalar.Value}'", expected);
        return otherwise;
    }

    /// <summary>A share, 0 to 1, written as such or as a percentage.</summary>
    public double Rate(string key, double otherwise)
    {
        const string Expected = "a share such as 0.05 or 5%";
        var scalar = Scalar(key, Expected);
        if (scalar is null)
        {
            return otherwise;
        }

        var text = scalar.Value.Trim();
        var isPercent = text.EndsWith('%');
        if (double.TryParse(text.TrimEnd('%', ' '), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            var rate = isPercent ? number / 100 : number;
            if (rate <= 1)
            {
                return rate;
            }
        }

        var isWhole = !isPercent && number is > 1 and <= 100;
        mistakes.Add(scalar, $"{key} of {title} is '{scalar.Value}'", Expected, isWhole ? text + "%" : null);
        return otherwise;
    }

    /// <summary>A duration above zero: 24h, 7d, 90m; a bare number is hours.</summary>
    public TimeSpan Time(string key, TimeSpan otherwise)
    {
        const string Expected = "a duration such as 24h, 7d or 90m; a bare number is hours";
        var scalar = Scalar(key, Expected);
        if (scalar is null)
        {
            return otherwise;
        }

        if (Duration.Read(scalar.Value) is { } duration && duration > TimeSpan.Zero)
        {
            return duration;
        }

        mistakes.Add(scalar, $"{key} of {title} is '{scalar.Value}'", Expected);
        return otherwise;
    }

    /// <summary>One of a few words, e.g. the names of an enumeration in snake_case.</summary>
    public T Choice<T>(string key, IReadOnlyDictionary<string, T> choices, T otherwise)
    {
        var expected = string.Join(" or ", choices.Keys);
        var scalar = Scalar(key, expected);
        if (scalar is null)
        {
            return otherwise;
        }

        if (choices.TryGetValue(scalar.Value.ToLowerInvariant(), out var choice))
        {
            return choice;
        }

        mistakes.Add(scalar, $"{key} of {title} is '{scalar.Value}'", expected, Nearest.Find(scalar.Value, choices.Keys));
        return otherwise;
    }

    /// <summary>A list of texts; a single text is a list of one.</summary>
    public IReadOnlyList<ConfigScalar> Texts(string key)
    {
        const string Expected = "a list of texts, such as [a, b]";
        switch (Node(key))
        {
            case null:
                return [];
            case ConfigScalar one:
                return [one];
            case ConfigList list:
                var texts = list.Items.OfType<ConfigScalar>().ToList();
                foreach (var item in list.Items.Where(item => item is not ConfigScalar))
                {
                    mistakes.Add(item, $"{key} of {title} holds something that is not a text", Expected);
                }

                return texts;
            case var other:
                mistakes.Add(other, $"{key} of {title} is not a list", Expected);
                return [];
        }
    }

    public ConfigSection? Section(string key, string sectionTitle)
    {
        var node = Node(key);
        if (node is null)
        {
            return null;
        }

        if (node is ConfigMap map)
        {
            return new ConfigSection(map, sectionTitle, mistakes);
        }

        mistakes.Add(node, $"{key} of {title} is a single value or a list", "keys and values below it");
        return null;
    }

    /// <summary>Keys that nobody has asked for.</summary>
    public IEnumerable<ConfigScalar> UnknownKeys =>
        Map.Entries.Select(entry => entry.Key).Where(key => !_known.Contains(key.Value));

    public void RejectUnknownKeys()
    {
        foreach (var key in UnknownKeys)
        {
            mistakes.Add(
                key,
                $"{title} has no setting '{key.Value}'",
                "one of " + string.Join(", ", _known.Distinct().Order(StringComparer.Ordinal)),
                Nearest.Find(key.Value, _known));
        }
    }
}
