using System.Buffers;
using System.Text;

namespace EtlTools.Core.Recovery.Payloads;

/// <summary>Counts what a payload holds.</summary>
internal sealed class PayloadTally(MetricMap map)
{
    private const string Others = "(others)";
    private const int MostNames = 100;
    private const int MostNameLetters = 64;

    private static readonly SearchValues<char> NameLetters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    private readonly long[] _accepted = new long[map.Types.Count];
    private readonly long[] _rejected = new long[map.Types.Count];
    private readonly Dictionary<string, long> _unknownFields = new(StringComparer.Ordinal);
    private readonly Utf8Names<string>?[] _fieldNames = new Utf8Names<string>?[map.Types.Count];

    public long Accepted => _accepted.Sum();

    public long Rejected => _rejected.Sum() + Unknown;

    /// <summary>Metrics of no type that is known. Nothing that a payload calls a type is told: it could be anything.</summary>
    public long Unknown { get; private set; }

    public IReadOnlyDictionary<string, long> UnknownFields => new Dictionary<string, long>(_unknownFields);

    public IReadOnlyList<MetricCount> Types =>
    [
        .. map.Types.Where(type => _accepted[type.Index] + _rejected[type.Index] > 0).Select(type => new MetricCount(
            type, _accepted[type.Index] + _rejected[type.Index], _accepted[type.Index], _rejected[type.Index])),
    ];

    public void Clear()
    {
        Array.Clear(_accepted);
        Array.Clear(_rejected);
        Array.Clear(_fieldNames);
        Unknown = 0;
        _unknownFields.Clear();
    }

    public void Accept(MetricType type) => _accepted[type.Index]++;

    public void Reject(MetricType type) => _rejected[type.Index]++;

    public void RejectUnknown() => Unknown++;

    public void AddUnknownField(MetricType type, ReadOnlySpan<byte> name)
    {
        var names = _fieldNames[type.Index] ??= new Utf8Names<string>();
        if (!names.TryFind(name, out var full))
        {
            full = names.Count < MostNames ? $"{type.Name}.{Shown(Encoding.UTF8.GetString(name))}" : Others;
            if (names.Count < MostNames)
            {
                names.Add(name, full);
            }
        }

        var key = _unknownFields.ContainsKey(full) || _unknownFields.Count < MostNames ? full : Others;
        _unknownFields[key] = _unknownFields.GetValueOrDefault(key) + 1;
    }

    /// <summary>The name of a field as it may be told; what does not read like a name could be anything.</summary>
    private static string Shown(string name) =>
        name.Length is > 0 and <= MostNameLetters && char.IsAsciiLetter(name[0]) && !name.AsSpan().ContainsAnyExcept(NameLetters) ? name : "";
}
