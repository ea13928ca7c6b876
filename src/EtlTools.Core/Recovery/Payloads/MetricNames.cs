using System.Text;
using System.Text.Json;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>What an element of a payload's metrics is.</summary>
internal enum ElementKind
{
    /// <summary>A metric of a type that is known.</summary>
    Metric,

    /// <summary>A metric of a type that is not.</summary>
    Unknown,

    /// <summary>A named list of measurements.</summary>
    NamedList,

    Unfinished,
    Malformed,
}

/// <summary>Knows by their names what the elements of a payload are.</summary>
internal sealed class MetricNames
{
    private const int MostRegionBytes = 128;
    private const int MaxDepth = 512;
    private const int MostTexts = 1000;

    private static readonly JsonReaderState Start = new(new JsonReaderOptions { AllowTrailingCommas = true, MaxDepth = MaxDepth });

    // Made when they are first met: a payload has few of the names there are.
    private readonly Dictionary<string, Lazy<MetricBinding>> _types = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Lazy<MetricBinding>> _iosNames = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Lazy<MetricBinding>> _lists = new(StringComparer.Ordinal);

    private readonly Utf8Names<string> _texts = new();

    // Where the last metric said of what type it is, and with what bytes: the next one most often says the same.
    private byte[] _lastRegion = [];
    private int _lastPlace;
    private MetricBinding _lastBinding = null!;
    private byte[] _lastType = [];

    public MetricNames(MetricMap map)
    {
        foreach (var type in map.Types)
        {
            _types.Add(type.Name, new(() => new MetricBinding(map, type, type.Name)));
        }

        foreach (var ios in map.IosMetrics)
        {
            _iosNames.Add(ios.Name, new(() => new MetricBinding(map, ios.Type, ios.Name, ios)));
        }

        foreach (var (list, type) in map.Lists)
        {
            _lists.Add(list, _types[type.Name]);
        }
    }

    public MetricBinding? FindIosName(string name) => _iosNames.GetValueOrDefault(name)?.Value;

    public MetricBinding? FindList(string name) => _lists.GetValueOrDefault(name)?.Value;

    /// <summary>What the last metric was, as a guess for the next one.</summary>
    public bool TryGuess(ReadOnlySpan<byte> text, out MetricBinding binding, out byte[] type)
    {
        binding = _lastBinding;
        type = _lastType;
        return _lastRegion.Length > 0 && text.Length > _lastPlace && text[_lastPlace..].StartsWith(_lastRegion);
    }

    /// <param name="text">Begins with the element's bracket.</param>
    /// <param name="binding">How a metric is read.</param>
    public ElementKind Identify(ReadOnlySpan<byte> text, out MetricBinding? binding)
    {
        binding = null;
        try
        {
            var reader = new Utf8JsonReader(text, isFinalBlock: false, Start);
            reader.Read();
            var hasName = false;
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.EndObject)
                {
                    return hasName ? ElementKind.NamedList : ElementKind.Unknown;
                }

                var isType = reader.ValueTextEquals("type"u8);
                var isData = reader.ValueTextEquals("data"u8);
                hasName |= reader.ValueTextEquals("name"u8);
                var place = (int)reader.TokenStartIndex;
                if (!reader.Read())
                {
                    break;
                }

                if (isData && reader.TokenType == JsonTokenType.StartArray)
                {
                    return ElementKind.NamedList;
                }

                if (isType && reader.TokenType == JsonTokenType.String)
                {
                    var name = Text(ref reader);
                    binding = (_types.GetValueOrDefault(name) ?? _iosNames.GetValueOrDefault(name))?.Value;
                    if (binding is null)
                    {
                        return ElementKind.Unknown;
                    }

                    Remember(text, place, (int)reader.BytesConsumed, binding, name);
                    return ElementKind.Metric;
                }

                if (!reader.TrySkip())
                {
                    break;
                }
            }

            return ElementKind.Unfinished;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return ElementKind.Malformed;
        }
    }

    // The same few types come again and again.
    private string Text(ref Utf8JsonReader reader)
    {
        if (!_texts.TryFind(reader.ValueSpan, out var text))
        {
            text = reader.GetString()!;
            if (_texts.Count < MostTexts && reader.ValueSpan.Length <= MostRegionBytes && !reader.ValueIsEscaped)
            {
                _texts.Add(reader.ValueSpan, text);
            }
        }

        return text;
    }

    private void Remember(ReadOnlySpan<byte> text, int from, int to, MetricBinding binding, string name)
    {
        _lastRegion = to - from <= MostRegionBytes ? text[from..to].ToArray() : [];
        _lastPlace = from;
        _lastBinding = binding;
        _lastType = Encoding.UTF8.GetBytes(name);
    }
}
